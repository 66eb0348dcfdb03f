#!lua flags=allow-oom
-- attempt says whether a password may be tried, and counts the try as one that failed until
-- forgive says otherwise, so that many at once are not more than one after the other.
--
-- KEYS tries tried
-- ARGV user address free_of_user free_of_address base_ms most_of_user_ms most_of_address_ms keep_ms most now_ms
--   user, address: hashed; free: so many may fail without a wait; then each doubles it, from
--   base_ms on; keep_ms: after the last try it is forgotten; most: so many are remembered.
-- Returns the wait in ms; 0: it may be tried.
local now = clock(now_ms)
for _, old in ipairs(call('ZRANGEBYSCORE', tried, '-inf', now - keep_ms, 'LIMIT', 0, 100)) do
  call('ZREM', tried, old)
  call('HDEL', tries, old)
end
local function look(key)
  local count, till = string.match(call('HGET', tries, key) or '0|0', '^(%d+)|(%d+)$')
  return tonumber(count), tonumber(till)
end
local function note(key, count, free, longest)
  local wait = 0
  if count >= tonumber(free) then wait = math.min(base_ms * 2 ^ math.min(count - free, 30), tonumber(longest)) end
  call('HSET', tries, key, string.format('%.0f|%.0f', count + 1, now + wait))
  call('ZADD', tried, now, key)
end
local of_address, address_till = look('a' .. address)
local of_user, user_till = look('u' .. user)
-- Whoever logged in from this address before is not kept out by what strangers try elsewhere.
local wait = address_till - now
if not call('HGET', tries, 'k' .. user .. address) then wait = math.max(wait, user_till - now) end
if wait > 0 then return wait end
note('a' .. address, of_address, free_of_address, most_of_address_ms)
note('u' .. user, of_user, free_of_user, most_of_user_ms)
local over = call('ZCARD', tried) - most
if over > 0 then
  for _, old in ipairs(call('ZRANGE', tried, 0, over - 1)) do
    call('ZREM', tried, old)
    call('HDEL', tries, old)
  end
end
return 0
