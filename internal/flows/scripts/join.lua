#!lua
-- join notes partitions that may have members of a batch from now on, and that its creator
-- lives. A repeat changes nothing.
--
-- KEYS timers living meta flow
-- ARGV id made ...
--   made: the ms when the batch was; then the partitions, each QUEUE/INDEX, or flows, as the prelude has them.
-- Returns 1.
-- Errors NOTFOUND; ENDED: the batch takes no more; LIMITS; FORMAT; OOM from Redis itself,
--   before anything is written.
local refused = check() or absent(id) or replaced(id, made)
if refused then return refused end
if call('HGET', flow, 'st') ~= 'open' then return redis.error_reply('ENDED batch ' .. id .. ' takes no more') end
local more = 0
for i = rest, #ARGV do more = more + 1 - call('HEXISTS', flow, 'r/' .. ARGV[i]) end
local there = tonumber(call('HGET', flow, 'sources') or 0)
if there + more > SOURCES then
  return redis.error_reply('LIMITS batch ' .. id .. ' would have members in ' .. there + more .. ' partitions of queues; at most ' .. SOURCES .. ' are possible')
end
local now = clock()
for i = rest, #ARGV do join(ARGV[i], now) end
call('HSET', flow, 'open', string.format('%.0f', now + OPEN))
set_timer(id, now)
return 1
