#!lua flags=no-writes
-- list gives what is stored of schedules: those of the given ids, or without ids a
-- page of all. Schedules that change while pages are read may come twice.
--
-- KEYS declarations next last paused meta
-- ARGV cursor limit ...
--   cursor 0 for the first page, then as the page before gave it; then ids.
-- Returns {now_ms, cursor, rows}: cursor 0 after the last page; rows a list of id,
--   declaration, next_ms, last_ms and paused_ms, the times '' where there is none.
-- Errors FORMAT.
local refused = newer(call('HGET', meta, 'format'))
if refused then return refused end
local ids, values = {}, {}
if rest <= #ARGV then
  cursor = '0'
  for i = rest, #ARGV do
    ids[#ids + 1] = ARGV[i]
    values[#values + 1] = call('HGET', declarations, ARGV[i])
  end
else
  local step = call('HSCAN', declarations, cursor, 'COUNT', limit)
  cursor = step[1]
  for i = 1, #step[2], 2 do
    ids[#ids + 1] = step[2][i]
    values[#values + 1] = step[2][i + 1]
  end
end
local rows = {}
for i, id in ipairs(ids) do
  if values[i] then
    rows[#rows + 1] = id
    rows[#rows + 1] = values[i]
    rows[#rows + 1] = call('ZSCORE', next, id) or ''
    rows[#rows + 1] = call('HGET', last, id) or ''
    rows[#rows + 1] = call('HGET', paused, id) or ''
  end
end
return {clock(), cursor, rows}
