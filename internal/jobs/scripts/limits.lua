#!lua flags=no-writes
-- limits lists the limits of a partition.
--
-- KEYS limits meta
-- Returns for each a name, a row, as limit has it, and how its breaker stands, as the prelude has it, '' where that
--   is closed and has seen nothing.
local all, list = call('HGETALL', limits), {}
for i = 1, #all, 2 do
  list[#list + 1] = all[i]
  list[#list + 1] = all[i + 1]
  list[#list + 1] = call('HGET', meta, 'brk:' .. all[i]) or ''
end
return list
