#!lua flags=allow-oom
-- forgive notes that the last try was right: what failed for the user is forgotten, the address
-- has one less, and is known as one of the user's. Other failures of the address stay, so that
-- nobody who has a password of his own can try others' without end.
--
-- KEYS tries tried
-- ARGV user address now_ms
-- Returns OK.
local now = clock(now_ms)
call('HDEL', tries, 'u' .. user)
call('ZREM', tried, 'u' .. user)
local count = tonumber(string.match(call('HGET', tries, 'a' .. address) or '1|0', '^(%d+)'))
if count > 1 then
  call('HSET', tries, 'a' .. address, string.format('%.0f|0', count - 1))
else
  call('HDEL', tries, 'a' .. address)
  call('ZREM', tried, 'a' .. address)
end
call('HSET', tries, 'k' .. user .. address, '0|0')
call('ZADD', tried, now, 'k' .. user .. address)
return 'OK'
