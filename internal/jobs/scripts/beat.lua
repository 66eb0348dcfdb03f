#!lua flags=allow-oom
-- beat renews a lease between turns and brings the cancels. A repeat renews again.
--
-- KEYS leases cancels
-- ARGV lease
-- Returns {now_ms, cancels}: ids of running jobs that are to be cancelled, at most
--   1,000 at a time.
-- Errors LEASELOST.
local score = call('ZSCORE', leases, lease)
if not score or tonumber(score) <= 0 then
  return redis.error_reply('LEASELOST the lease is condemned or gone')
end
local now = clock()
call('ZADD', leases, now, lease)
return {now, call('HRANDFIELD', cancels, 1000)}
