#!lua flags=allow-oom
-- leave drops a lease that holds nothing, so that nobody watches over it. A repeat
-- does nothing. A condemned lease stays for the rescue that goes through its jobs.
--
-- KEYS leases turns
-- ARGV lease epoch
-- Returns OK.
local score = call('ZSCORE', leases, lease)
local given = string.match(call('HGET', turns, lease) or '', '^%d+|(%d+)|')
if score and tonumber(score) > 0 and given == epoch then
  call('ZREM', leases, lease)
  call('HDEL', turns, lease)
  shut(turns)
end
return 'OK'
