#!lua flags=allow-oom
-- read says that somebody listens, and gives events after one.
--
-- A repeat gives the same ones, and those that came meanwhile. Where nobody has listened for a
-- time, it adds an event that says so, since nothing was kept then.
--
-- KEYS events listening
-- ARGV epoch after listen_ms kept_ms most_bytes
--   epoch: of the number after, '' for none; after: the number of the event after which, '' for
--   none: from now on; or if epoch is last, how many of the last events, about; listen_ms: for how long somebody listens; kept_ms: how long the keys are
--   kept; most_bytes: of the events, about.
-- Returns {epoch, last, more, entries}: epoch is the one of all numbers now; last the number of
--   the last event that there was; more is 1 if there are further entries; entries are each
--   {ID, fields}.
local t = call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local stamp = string.format('%.0f', now)
local state = call('HMGET', listening, 'epoch', 'number', 'until')
local number, before = tonumber(state[2] or 0), tonumber(state[3] or 0)
if not state[1] then -- numbers begin anew
  call('DEL', events)
  call('HSET', listening, 'epoch', stamp, 'number', 0, 'bytes', 0)
  state[1] = stamp
elseif before <= now then
  number = call('HINCRBY', listening, 'number', 1)
  local text = '[{"t":"missed","s":' .. string.format('%.0f', before) .. '}]'
  local size = #text + 100
  call('XADD', events, string.format('%.0f-0', number), 'n', 1, 'at', stamp, 'size', size, 'by', '', 'events', text)
  call('HINCRBY', listening, 'bytes', size)
  call('PEXPIRE', events, kept_ms)
end
call('HSET', listening, 'until', string.format('%.0f', math.max(before, now + listen_ms)))
call('PEXPIRE', listening, kept_ms)
local found, more = {}, 0
if after ~= '' then
  if epoch == 'last' then
    after = string.format('%.0f', math.max(number - after, 0))
  elseif epoch ~= state[1] then
    after = '0'
  end
  local from, bytes = '(' .. after .. '-0', 0
  repeat
    local page = call('XRANGE', events, from, '+', 'COUNT', 10)
    for i = 1, #page do
      found[#found + 1] = page[i]
      bytes = bytes + (tonumber(page[i][2][6]) or 0)
      from = '(' .. page[i][1]
    end
    if bytes > tonumber(most_bytes) then more = 1 end
  until #page < 10 or more == 1
end
return {state[1], string.format('%.0f', number), more, found}
