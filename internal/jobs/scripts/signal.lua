#!lua
-- signal gives a live job the value of a name for which a step of its handler waits, or will.
-- The first value of a name stays. A job that sleeps for it is in line at once. A repeat is
-- known by its key, and changes nothing.
--
-- KEYS jobs ready scheduled counts suspects bell meta stats route lanes parked reports
-- ARGV id name key sender payload
-- Returns 1; 0: that signal, by its key, was there.
-- Errors NOTFOUND: no live job has that id; SIGNALLED: that signal came under another key;
--   LATE: the wait for it is over; LIMITS; FORMAT; OOM from Redis itself, before anything is
--   written.
local refused, paused = check()
if refused then return refused end
local SIGNALS = 64 -- of a job

local now = clock()
local field = 'g' .. id .. '/@' .. name .. '/0'
local first = string.match(call('HGET', reports, field) or '', '^%d+|([^|]*)|')
if first == key then return 0 end -- also of a job that has ended since, and is kept
if id == '' or call('HEXISTS', jobs, id) == 0 then
  return redis.error_reply('NOTFOUND no such job waits or runs')
end
if first then return redis.error_reply('SIGNALLED the job has had a signal ' .. name .. ' under another key') end
local n, waits, names = steps_of(id)
local till, state = wait_of(waits, name)
if till and (state == 't' or till <= now) then
  return redis.error_reply('LATE the job has stopped waiting for signal ' .. name)
end
local _, came = string.gsub(names, ';', '')
if came >= SIGNALS then
  return redis.error_reply('LIMITS the job has had ' .. came .. ' signals; at most ' .. SIGNALS .. ' are kept')
end
local row = string.format('%.0f|%s|%d|', now, key, #sender) .. sender .. payload
set_steps(id, n, waits, names .. name .. ';', #row)
call('HSET', reports, field, row)
local due, wanted = string.match(call('HGET', reports, 'a' .. id) or '', '^(%d+)(;.*)$')
if due and tonumber(call('ZSCORE', scheduled, id) or 0) == tonumber(due) and string.find(wanted, ';' .. name .. ';', 1, true) then
  unschedule({id})
  available('LPUSH', {id})
  ring(paused)
end
return 1
