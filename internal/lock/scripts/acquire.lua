#!lua
-- acquire gives a lock to an owner if nobody holds it, or if it is still held by
-- the very lease that the caller has watched, unchanged, for that lease's TTL.
-- Redis's clock decides nothing: age_ms is a hint for whom to watch.
--
-- KEYS lease
-- ARGV owner identity number ttl_ms highest dead_owner dead_call keep_ms
--   owner: unique to one hold of one lock; identity: who that is, for people;
--   number: of the owner's calls, rising; highest: the highest token that the
--   caller knows; dead_owner and dead_call: the lease to take over, '' and 0 for
--   none; keep_ms: how long the lease outlives the last call to touch it.
-- Returns {'GRANTED', token}, or of the holder {'LOCKED', token, owner, call,
--   ttl_ms, age_ms, identity, since_ms}; age_ms: since its last renewal.
-- Errors: none of its own.
-- Repeat: the owner that has the lock gets the same token and renews its lease.
local time = call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local now = string.format('%.0f', now_ms)

local held = call('HMGET', lease, 'owner', 'token', 'call', 'ttl_ms', 'renewed_ms', 'identity', 'since_ms')
local holder, token, last = held[1], held[2], held[3]

if holder == owner then
  if tonumber(number) > tonumber(last) then
    call('HSET', lease, 'call', number, 'renewed_ms', now)
    call('PEXPIRE', lease, keep_ms)
  end
  return {'GRANTED', token}
end
if holder and not (holder == dead_owner and last == dead_call) then
  local age_ms = string.format('%.0f', now_ms - tonumber(held[5]))
  return {'LOCKED', token, holder, last, held[4], age_ms, held[6], held[7]}
end

-- The clock keeps tokens rising when Redis has lost the last one: in microseconds,
-- since data can be lost and the lock taken again within one millisecond.
local now_us = time[1] * 1000000 + time[2]
token = string.format('%.0f', math.max(tonumber(token or 0), tonumber(highest), now_us) + 1)
call('HSET', lease, 'owner', owner, 'token', token, 'call', number, 'ttl_ms', ttl_ms,
  'renewed_ms', now, 'identity', identity, 'since_ms', now)
call('PEXPIRE', lease, keep_ms)
return {'GRANTED', token}
