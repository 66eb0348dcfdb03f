#!lua
-- resume lets a paused schedule go on, from a tick later than any that it had. A
-- repeat does nothing.
--
-- KEYS declarations next last paused meta
-- ARGV id revision next_ms
--   next_ms: '' if it never fires again.
-- Returns resumed, running if it is not paused, or changed.
-- Errors NOTFOUND, FORMAT.
local refused = check()
if refused then return refused end
local known = part(call('HGET', declarations, id))
if not known then
  return redis.error_reply('NOTFOUND schedule ' .. id)
end
if call('HEXISTS', paused, id) == 0 then return 'running' end
local before = tonumber(call('HGET', last, id) or '0')
if known ~= revision or (next_ms ~= '' and tonumber(next_ms) <= before) then
  return 'changed'
end
call('HDEL', paused, id)
if next_ms ~= '' then call('ZADD', next, next_ms, id) end
return 'resumed'
