#!lua
-- append adds events to the stream, if anybody listens, and drops the oldest. An entry of the
-- stream is what one call adds; its ID is NUMBER-0, of the last of its events.
--
-- A repeat adds them again. Those that are left out are given numbers as well, so that who reads
-- finds out how many they were.
--
-- KEYS events listening
-- ARGV dropped count by text most_bytes kept_ms most_a_second
--   dropped: how many were left out before; count: of the events in text, which are from by;
--   most_bytes: of the stream; kept_ms: how long an event is kept; most_a_second: how many
--   events are added in a second, beyond which they are left out.
-- Returns {left_ms, added}: for how long somebody listens still, 0: nobody does; and 1 if the
--   events were added.
local t = call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local state = call('HMGET', listening, 'until', 'bytes', 'second', 'used')
local left = tonumber(state[1] or 0) - now
if left <= 0 then return {0, 0} end
local used = state[3] == t[1] and tonumber(state[4]) or 0
local n, added = tonumber(count), 1
if used + n > tonumber(most_a_second) then added = 0 end
local number = string.format('%.0f', call('HINCRBY', listening, 'number', dropped + n))
if added == 0 or n == 0 then return {left, added} end
local size = #text + 100
call('XADD', events, number .. '-0', 'n', count, 'at', string.format('%.0f', now), 'size', size, 'by', by, 'events', text)
local bytes = tonumber(state[2] or 0) + size
for _ = 1, 20 do -- more than one call adds
  local oldest = call('XRANGE', events, '-', '+', 'COUNT', 1)[1]
  if not oldest or (bytes <= tonumber(most_bytes) and (tonumber(oldest[2][4]) or 0) > now - kept_ms) then break end
  call('XDEL', events, oldest[1])
  bytes = bytes - (tonumber(oldest[2][6]) or 0)
end
call('HSET', listening, 'bytes', math.max(bytes, 0), 'second', t[1], 'used', used + n)
call('PEXPIRE', events, kept_ms)
return {left, added}
