#!lua flags=allow-oom
-- note writes how far an action has come, or that it has ended, and drops the oldest of those
-- that have. A repeat does the same.
--
-- KEYS rows open ended stops
-- ARGV id token over text most keep_ms
--   token: of the lock under which it runs; over: 1 if it has ended; most, keep_ms: how many
--   that have ended are kept, and for how long.
-- Returns {row, stop}: stop is who wants it stopped, '' for nobody.
-- Errors NOTFOUND; LEASELOST: it is run under a later token; ENDED.
local row = call('HGET', rows, id)
if not row then return redis.error_reply('NOTFOUND no such action') end
local last, begun, over_at = string.match(row, '^(%d+)|(%d+)|(%d+)|')
if tonumber(last) > tonumber(token) then
  return redis.error_reply('LEASELOST the action is run under token ' .. last)
elseif over_at ~= '0' then
  return redis.error_reply('ENDED the action has ended')
end
local stop = call('HGET', stops, id) or ''
local t = call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
row = string.format('%s|%s|%.0f|', token, begun, over == '1' and now or 0) .. text
call('HSET', rows, id, row)
if over == '1' then
  call('ZREM', open, id)
  call('ZADD', ended, now, id)
  call('HDEL', stops, id)
  local old = call('ZRANGEBYSCORE', ended, '-inf', now - keep_ms, 'LIMIT', 0, 100)
  for _, other in ipairs(call('ZRANGE', ended, 0, -1 - most)) do old[#old + 1] = other end
  if #old > 0 then
    call('ZREM', ended, unpack(old))
    call('HDEL', rows, unpack(old))
  end
end
return {row, stop}
