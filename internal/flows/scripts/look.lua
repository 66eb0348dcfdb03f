#!lua flags=allow-oom
-- look says what there is to do in a shard, to one of those who ask in the same while.
--
-- KEYS outbox timers watch
-- ARGV while_ms limit
--   while_ms: 0 to be told whoever else is.
-- Returns {ops, ...}: how many ops wait, then the flows whose time has come; 0 alone to the others.
if while_ms ~= '0' and not call('SET', watch, '1', 'NX', 'PX', while_ms) then return {0} end
local found = {call('ZCARD', outbox)}
for _, id in ipairs(call('ZRANGEBYSCORE', timers, '-inf', clock(), 'LIMIT', 0, limit)) do found[#found + 1] = id end
return found
