#!lua flags=no-writes
-- steps gives what the steps of a job's handler came to, and the signals that it got.
--
-- KEYS jobs archive reports
-- ARGV id from bytes signals
--   from: how many rows to pass over; bytes: of how many there may be more than one; signals: 1
--   for those, too.
-- Returns {live, now_ms, n, waits, rows, signals}: live is live, ended or unknown; n, waits and
--   rows as the prelude explains them; for each signal its name, its size, and its first
--   bytes, which have all but its value.
local from_row, room = tonumber(from), tonumber(bytes)
local known = 'unknown'
if id ~= '' and call('HEXISTS', jobs, id) == 1 then
  known = 'live'
elseif id ~= '' and call('HEXISTS', archive, id) == 1 then
  known = 'ended'
end
local n, waits, names = steps_of(id)
local rows, came = {}, {}
while from_row < n do
  local field = 'g' .. id .. '/@/' .. from_row
  room = room - call('HSTRLEN', reports, field)
  if #rows > 0 and room < 0 then break end
  rows[#rows + 1] = call('HGET', reports, field) or ''
  from_row = from_row + 1
end
if signals == '1' then
  for name in string.gmatch(names, '[^;]+') do
    local row = call('HGET', reports, 'g' .. id .. '/@' .. name .. '/0') or ''
    came[#came + 1] = name
    came[#came + 1] = #row
    came[#came + 1] = string.sub(row, 1, 512)
  end
end
return {known, clock(), n, waits, rows, came}
