#!lua flags=no-writes
-- observe looks at a partition: what there is to do, and who holds leases. It
-- costs the same however many jobs there are.
--
-- The leases are the 50 of the lowest and the 50 of the highest score: a dead one
-- sinks to the lowest, or stays the highest if the clock was set back.
--
-- KEYS ready scheduled leases suspects lanes meta
-- Returns {now_ms, paused, ready, suspects, next_due_ms or '', lanes, leases}: the
--   numbers that wait, at most 100 names of lanes, leases each with its score.
local due = call('ZRANGE', scheduled, 0, 0, 'WITHSCORES')
local watch = call('ZRANGE', leases, 0, 49, 'WITHSCORES')
if call('ZCARD', leases) > 50 then
  local top = call('ZREVRANGE', leases, 0, 49, 'WITHSCORES')
  for i = 1, #top do watch[#watch + 1] = top[i] end
end
return {clock(), call('HGET', meta, 'paused') or '', call('LLEN', ready), call('LLEN', suspects),
  due[2] or '', call('ZRANGE', lanes, 0, 99), watch}
