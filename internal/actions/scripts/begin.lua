#!lua
-- begin notes an action that is to be run. A repeat changes nothing.
--
-- KEYS rows open
-- ARGV id text most
--   most: how many there may be that have not ended.
-- Returns its row.
-- Errors TOOMANY: there are as many as may be.
local row = call('HGET', rows, id)
if row then return row end
if call('ZCARD', open) >= tonumber(most) then
  return redis.error_reply('TOOMANY actions have not ended: ' .. most)
end
local t = call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
row = string.format('0|%.0f|0|', now) .. text
call('HSET', rows, id, row)
call('ZADD', open, now, id)
return row
