#!lua flags=no-writes
-- stats counts the flows of a shard, at a cost that does not grow with them.
--
-- KEYS outbox timers living meta
-- ARGV late_ms
-- Returns {living, ops, overdue, completed, failed, cancelled}: overdue are those that were to be looked at late_ms ago;
--   the last three are how many have ended so since the shard exists, those anew that were retried.
local found = {call('ZCARD', living), call('ZCARD', outbox), call('ZCOUNT', timers, '-inf', clock() - late_ms)}
for i, n in ipairs(call('HMGET', meta, 'c', 'd', 'x')) do found[3 + i] = tonumber(n or 0) end
return found
