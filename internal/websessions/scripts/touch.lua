#!lua flags=allow-oom
-- touch finds a session, and notes that it is in use. A repeat does the same.
--
-- KEYS sessions ends owners
-- ARGV id idle_ms absolute_ms renew_ms now_ms
--   renew_ms: how long after the last note the next one is made; negative: never.
-- Returns {user, stamp}, or {} where there is no such session, or it has ended.
local now = clock(now_ms)
local row = call('HGET', sessions, id)
if not row then return {} end
local begun, seen, stamp, user = string.match(row, '^(%d+)|(%d+)|(%w+)|(.*)$')
begun, seen = tonumber(begun), tonumber(seen)
if now >= tonumber(call('ZSCORE', ends, id) or 0) or now >= begun + absolute_ms then
  remove(id)
  return {}
end
if tonumber(renew_ms) >= 0 and now - seen >= tonumber(renew_ms) then
  call('HSET', sessions, id, string.format('%.0f|%.0f|%s|%s', begun, now, stamp, user))
  call('ZADD', ends, math.min(now + idle_ms, begun + absolute_ms), id)
end
return {user, stamp}
