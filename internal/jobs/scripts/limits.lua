#!lua flags=no-writes
-- limits lists the limits of a partition.
--
-- KEYS limits
-- Returns pairs of a name and a row, as limit has it.
return call('HGETALL', limits)
