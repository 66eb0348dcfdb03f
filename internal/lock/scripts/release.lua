#!lua flags=allow-oom
-- release frees a lock, if it is still the caller's, and rings the bell for one
-- of those who wait. The token stays, so that the next one is higher.
--
-- KEYS lease bell
-- ARGV owner token keep_ms bell_ms
--   owner, keep_ms: as in acquire.lua; token: what the owner was granted, '' if
--   it does not know because the reply was lost; bell_ms: how long a bell that
--   nobody hears stays.
-- Returns 'OK'.
-- Errors LEASELOST: another has the lock, or nobody; nothing was done.
-- Repeat: does nothing and says LEASELOST.
local held = call('HMGET', lease, 'owner', 'token')
if held[1] ~= owner or (token ~= '' and held[2] ~= token) then
  return redis.error_reply('LEASELOST the lock is held by token ' .. (held[1] and held[2] or 'none'))
end
call('HDEL', lease, 'owner', 'call', 'ttl_ms', 'renewed_ms', 'identity', 'since_ms')
call('PEXPIRE', lease, keep_ms)
if call('EXISTS', bell) == 0 then
  call('LPUSH', bell, '1')
  call('PEXPIRE', bell, bell_ms)
end
return 'OK'
