#!lua flags=no-writes
-- series gives what ended in a span, by the minute or the hour, and what has been counted in the
-- minute that is not over, which is in no row yet.
--
-- KEYS meta minute series
-- ARGV unit first last
--   unit: m for minutes, h for hours; first and last: their numbers since the Unix epoch, at
--   most 500 of them.
-- Returns {now_ms, rows, counts, groups}: a row for each, '' for none, as end_minute writes them; counts
--   are those of minute as HGETALL gives them; groups are as many numbers of groups, '' for none,
--   or nothing where there have been no groups.
local function read(letters)
  local fields = {}
  for n = tonumber(first), math.min(tonumber(last), first + 499) do fields[#fields + 1] = letters .. string.format('%.0f', n) end
  local rows = #fields > 0 and call('HMGET', series, unpack(fields)) or {}
  for i = 1, #fields do rows[i] = rows[i] or '' end
  return rows
end
local groups = call('HGET', meta, 'grouped') == '1' and read('g' .. unit) or {}
return {clock(), read(unit), call('HGETALL', minute), groups}
