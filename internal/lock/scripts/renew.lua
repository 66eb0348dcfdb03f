#!lua flags=allow-oom
-- renew marks a lease as alive, if it is still the caller's. The mark is the
-- number of the call: whoever watches the lease sees it change.
--
-- KEYS lease
-- ARGV owner token number keep_ms
--   owner, number, keep_ms: as in acquire.lua; token: what the owner was granted.
-- Returns 'OK'.
-- Errors LEASELOST: another has the lock, or nobody; nothing was done.
-- Repeat: harmless. A call that arrives after a later one of its owner changes
--   nothing, so a mark never comes back.
local held = call('HMGET', lease, 'owner', 'token', 'call')
if held[1] ~= owner or held[2] ~= token then
  return redis.error_reply('LEASELOST the lock is held by token ' .. (held[1] and held[2] or 'none'))
end
if tonumber(number) > tonumber(held[3]) then
  local time = call('TIME')
  call('HSET', lease, 'call', number,
    'renewed_ms', string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)))
  call('PEXPIRE', lease, keep_ms)
end
return 'OK'
