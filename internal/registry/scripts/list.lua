#!lua flags=no-writes
-- list gives a page of the workers, or the one of the given id. Some may come
-- twice.
--
-- KEYS workers seen
-- ARGV cursor limit expiry_ms id
--   cursor: 0 for the first page, then as the page before gave it; id: '' for all.
-- Returns {cursor, rows}: cursor 0 after the last page; rows a list of row and
--   seen_ms.
local t = call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local found
if id ~= '' then
  cursor, found = '0', {id, call('HGET', workers, id) or ''}
else
  local step = call('HSCAN', workers, cursor, 'COUNT', limit)
  cursor, found = step[1], step[2]
end
local rows = {}
for i = 1, #found, 2 do
  local at = tonumber(call('ZSCORE', seen, found[i]) or 0)
  if at > now - expiry_ms and at <= now then
    rows[#rows + 1] = found[i + 1]
    rows[#rows + 1] = string.format('%.0f', at)
  end
end
return {cursor, rows}
