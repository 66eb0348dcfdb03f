#!lua
-- create makes a batch, unless there is one of that ID. A repeat gets what is there.
--
-- KEYS outbox ops timers index living meta flow
-- ARGV id parent deadline_ms retain_ms retain_bad_ms complete success failure
--   parent: of which batch it is a member, as the prelude has it, or ''; deadline_ms: after now, 0 for none; the callbacks each "DEST|jobs", '' for none.
-- Returns {made, fields}: made 1, or 0 where it was there.
-- Errors CONFLICT: it is no member of that batch; FORMAT; OOM from Redis itself, before anything is written.
local refused = check()
if refused then return refused end
if call('EXISTS', flow) == 1 then
  if call('HGET', flow, 'st') == 'dropping' then return redis.error_reply('ENDED flow ' .. id .. ' has ended, and is about to be forgotten') end
  return stranger(id, parent) or {0, describe()}
end
local now = clock()
local made = string.format('%.0f', now)
call('HSET', flow, 'st', 'open', 'created', made, 'retain', retain_ms, 'retain_bad', retain_bad_ms, 'open', string.format('%.0f', now + OPEN))
if deadline_ms ~= '0' then call('HSET', flow, 'deadline', string.format('%.0f', now + deadline_ms)) end
if complete ~= '' then call('HSET', flow, 'on/c', complete) end
if success ~= '' then call('HSET', flow, 'on/s', success) end
if failure ~= '' then call('HSET', flow, 'on/f', failure) end
adopt(parent)
call('ZADD', index, made, id)
set_timer(id, now)
return {1, describe()}
