#!lua
-- step keeps what a step of a handler came to: a result, until when the job sleeps, or until
-- when it waits for a signal. It counts only while running holds the token of the claim. A
-- repeat changes nothing and gets the same answer, or of a wait how it stands now.
--
-- A wait is over at its time by Redis' clock, whether a handler looks then or not: signal
-- refuses what comes later. So that no signal is missed between this look and the turn by
-- which the job goes to sleep, that turn looks once more.
--
-- KEYS running reports meta
-- ARGV id token sort name number value
--   sort: r for a result, s for a sleep, w for a wait; number: of results and sleeps, which of
--   the job's it is, from 1; value: the result, or for how many ms.
-- Returns {now_ms, till_ms, state, signal}: till_ms 0 for a result; state of a wait: o if it is
--   open, t if its time is over, g if the signal came, which is given as it is stored.
-- Errors LEASELOST: the job is not under that claim any more, or Redis has lost steps of it;
--   FORMAT; OOM from Redis itself, before anything is written.
local refused = check()
if refused then return refused end
local now = clock()
if id == '' or call('HGET', running, id) ~= token then
  return redis.error_reply('LEASELOST the job is not under this claim any more')
end
local n, waits, names = steps_of(id)

-- wait begins to wait for a signal, or goes on, and says how that stands.
local function wait()
  local signal = call('HGET', reports, 'g' .. id .. '/@' .. name .. '/0')
  local till, state = wait_of(waits, name)
  if signal then return {now, till or now, 'g', signal} end
  local begun = till ~= nil
  till, state = till or now + tonumber(value), state or 'o'
  if begun and (state == 't' or till > now) then return {now, till, state, ''} end
  local others, since = {}, string.format('%.0f', now)
  for of, from, to, was in string.gmatch(waits, '([^=;]+)=(%d+),(%d+),(%a);') do
    if of == name then since = from else others[#others + 1] = of .. '=' .. from .. ',' .. to .. ',' .. was .. ';' end
  end
  if till <= now then state = 't' end -- from now on it is, whatever becomes of the clock
  others[#others + 1] = string.format('%s=%s,%.0f,%s;', name, since, till, state)
  set_steps(id, n, table.concat(others), names, 0)
  return {now, till, state, ''}
end

-- keep adds a row "sort|ms|till|name|result", unless it is there.
local function keep()
  number = tonumber(number)
  local field = 'g' .. id .. '/@/' .. number - 1
  local of, till, its = string.match(call('HGET', reports, field) or '', '^(%a)|%d+|(%d+)|([^|]*)|')
  if number <= n and of == sort and its == name then return {now, tonumber(till), '', ''} end
  if number ~= n + 1 then
    return redis.error_reply('LEASELOST the job has ' .. n .. ' steps, and this is not number ' .. number)
  end
  till = sort == 's' and now + tonumber(value) or 0
  local row = string.format('%s|%.0f|%.0f|', sort, now, till) .. name .. '|' .. (sort == 'r' and value or '')
  set_steps(id, number, waits, names, #row)
  call('HSET', reports, field, row)
  return {now, till, '', ''}
end

if sort == 'w' then return wait() end
return keep()
