#!lua flags=no-writes
-- locate says whether partitions know a job.
--
-- KEYS jobs archive seen ...
-- ARGV id
-- Returns for each partition 1 if it does, else 0.
if call('HEXISTS', jobs, id) == 1 or call('HEXISTS', archive, id) == 1 or call('ZSCORE', seen, id) then
  return 1
end
return 0
