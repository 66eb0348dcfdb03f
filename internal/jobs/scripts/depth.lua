#!lua flags=allow-oom
-- depth sets how many live jobs a partition may have: beyond it none is stored. What is
-- there stays. A repeat changes nothing.
--
-- KEYS meta
-- ARGV most
--   most: 0 for any number.
-- Returns OK.
-- Errors FORMAT.
local refused = check(most ~= '0')
if refused then return refused end
if most == '0' then
  call('HDEL', meta, 'depth')
else
  call('HSET', meta, 'depth', most)
end
return 'OK'
