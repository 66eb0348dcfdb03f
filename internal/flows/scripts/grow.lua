#!lua
-- grow adds members to a batch that runs: it is their number that the batch waits for from then
-- on. A repeat does nothing, and a late one is refused.
--
-- KEYS outbox ops timers grown meta flow
-- ARGV id made name till_ms ...
--   made: the ms when the batch was; name: of the call; till_ms: until when it may be repeated, by the clock of Redis; then for
--   each partition its name, QUEUE/INDEX, and the jobs.
-- Returns 1.
-- Errors NOTFOUND; ENDED: the batch has ended, or was cancelled; LATE; LIMITS; FORMAT; OOM from
--   Redis itself, before anything is written.
local refused = check() or absent(id) or replaced(id, made)
if refused then return refused end
local now = clock()
local old = call('ZRANGEBYSCORE', grown, '-inf', '(' .. string.format('%.0f', now), 'LIMIT', 0, 100)
if #old > 0 then call('ZREM', grown, unpack(old)) end
if call('ZSCORE', grown, name) then return 1 end
if tonumber(till_ms) < now then return redis.error_reply('LATE the call comes too late to be known as a repeat') end
local f = call('HMGET', flow, 'st', 'cancelled', 'sources')
if f[1] == 'ended' or f[2] then return redis.error_reply('ENDED batch ' .. id .. ' takes no more') end
if tonumber(f[3] or 0) + (#ARGV - rest + 1) / 2 > 2 * SOURCES then
  return redis.error_reply('LIMITS batch ' .. id .. ' has members in ' .. f[3] .. ' partitions of queues, which is the most')
end
call('ZADD', grown, till_ms, name)
for i = rest, #ARGV, 2 do
  join(ARGV[i], now)
  send(id, ARGV[i], 'g', ARGV[i + 1])
end
return 1
