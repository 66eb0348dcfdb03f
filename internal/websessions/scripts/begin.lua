#!lua flags=allow-oom
-- begin stores a session, and drops what has ended, and the oldest of a user and of all that
-- are more than there may be. A repeat changes nothing.
--
-- KEYS sessions ends owners
-- ARGV id user stamp idle_ms absolute_ms most_of_user most now_ms
--   id: the hash of the token; stamp: what the file of users says of the user, hashed;
--   now_ms: '' for Redis's clock.
-- Returns OK.
local now = clock(now_ms)
if call('HGET', sessions, id) then return 'OK' end
for _, old in ipairs(call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 100)) do remove(old) end
local mine = {}
for other in string.gmatch(call('HGET', owners, user) or '', '%w+') do mine[#mine + 1] = other end
for i = 1, #mine - most_of_user + 1 do remove(mine[i]) end
local over = call('ZCARD', ends) - most + 1
if over > 0 then
  for _, old in ipairs(call('ZRANGE', ends, 0, over - 1)) do remove(old) end
end
call('HSET', sessions, id, string.format('%.0f|%.0f|%s|%s', now, now, stamp, user))
call('ZADD', ends, math.min(now + idle_ms, now + absolute_ms), id)
local before = call('HGET', owners, user)
call('HSET', owners, user, before and before .. ' ' .. id or id)
return 'OK'
