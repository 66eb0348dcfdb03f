#!lua flags=allow-oom
-- leave drops a lease that holds nothing, so that nobody watches over it. A repeat
-- does nothing. A condemned lease stays for the rescue that goes through its jobs.
--
-- KEYS leases turns
-- ARGV lease
-- Returns OK.
local score = call('ZSCORE', leases, lease)
if score and tonumber(score) > 0 then
  call('ZREM', leases, lease)
  call('HDEL', turns, lease)
  shut(turns)
end
return 'OK'
