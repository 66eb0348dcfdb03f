#!lua flags=no-writes
-- news reads the rows of batches, and of steps of flows, that have something to tell, the oldest
-- first. It takes nothing out: told does.
--
-- KEYS reports meta
-- ARGV from limit bytes
--   from: the number from which on, 0 for the first; limit: rows at most; bytes: of results, but
--   for the first one.
-- Returns {next, ...}: next is the number to go on from, 0 if these are all; then for each its
--   link, its row, see count_members, and the result of a step, '' for none.
local m = call('HMGET', meta, 'news', 'news_from')
local last = tonumber(m[1] or 0)
local at = math.max(tonumber(from), tonumber(m[2] or 1), 1)
local found, full, size = {0}, false, 0
while at <= last and not full do
  local fields = {}
  for n = at, math.min(at + 199, last) do fields[#fields + 1] = 'N' .. string.format('%.0f', n) end
  local links = call('HMGET', reports, unpack(fields))
  for i = 1, #links do
    local result = links[i] and not full and is_step(links[i]) and call('HGET', reports, 'V' .. links[i]) or ''
    full = full or #found > 3 * limit or (size > 0 and size + #result > tonumber(bytes))
    if full then break end
    if links[i] then
      found[#found + 1] = links[i]
      found[#found + 1] = row_text(row_of(links[i]))
      found[#found + 1] = result
      size = size + #result
    end
    at = at + 1
  end
end
if at <= last then found[1] = string.format('%.0f', at) end
return found
