#!lua flags=allow-oom
-- signal gives a flow a signal that one of its steps waits for, or will. A repeat changes nothing.
--
-- KEYS outbox ops timers index living meta steps flow
-- ARGV id name key sender payload
-- Returns 1, or 0 if it was there, by its key.
-- Errors NOTFOUND: there is no such flow, or no step of it waits for a signal of that name; SIGNALLED: it had one, under another
--   key; SIGNALLATE: the step has waited in vain; BUSY: the flow is being retried; FORMAT.
local refused = check() or absent(id) or busy(id)
if refused then return refused end
local now, i = clock(), call('HGET', steps, 'n:' .. name)
if not i or label_of(i) ~= 'g' then return redis.error_reply('NOTFOUND flow ' .. id .. ' has no signal ' .. name) end
local before = call('HGET', steps, 'g' .. i)
if before then
  if string.match(before, '^%d+|([^|]*)|') == key then return 0 end
  return redis.error_reply('SIGNALLED flow ' .. id .. ' has had signal ' .. name)
end
local s = step_at(tonumber(i))
if s.st ~= 'w' and s.st ~= 'q' then return redis.error_reply('SIGNALLATE flow ' .. id .. ' waits for signal ' .. name .. ' no more') end
call('HSET', steps, 'g' .. i, string.format('%.0f|', now) .. key .. '|' .. sender, 'v' .. i, payload)
call('HINCRBY', flow, 'bytes', #payload)
if s.st == 'q' then
  unwait(i)
  end_step(s, 'c', now)
  run_todo(id, now)
  conclude(id)
end
return 1
