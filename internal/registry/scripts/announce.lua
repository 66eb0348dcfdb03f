#!lua flags=allow-oom
-- announce says that a worker is there, and drops a few that were not heard of for
-- too long. A repeat does the same.
--
-- KEYS workers seen listening
-- ARGV id row expiry_ms
--   row: what the worker says of itself; expiry_ms: how long that holds.
-- Returns for how many ms somebody listens to events; 0: nobody does.
local t = call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
call('HSET', workers, id, row)
call('ZADD', seen, now, id)
-- What is from the future was written before the clock fell back.
for _, outside in ipairs({{'-inf', now - expiry_ms}, {'(' .. now, '+inf'}}) do
  local gone = call('ZRANGEBYSCORE', seen, outside[1], outside[2], 'LIMIT', 0, 100)
  if #gone > 0 then
    call('HDEL', workers, unpack(gone))
    call('ZREM', seen, unpack(gone))
  end
end
-- The last worker's row goes with the keys.
call('PEXPIRE', workers, expiry_ms)
call('PEXPIRE', seen, expiry_ms)
return math.max(tonumber(call('HGET', listening, 'until') or 0) - now, 0)
