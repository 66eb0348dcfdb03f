#!lua flags=no-writes
-- news reads the rows of batches that have something to tell, the oldest first. It takes
-- nothing out: told does.
--
-- KEYS reports meta
-- ARGV from limit
--   from: the number from which on, 0 for the first; limit: rows at most.
-- Returns {next, ...}: next is the number to go on from, 0 if these are all; then for each its
--   link and its row, see count_members.
local m = call('HMGET', meta, 'news', 'news_from')
local last = tonumber(m[1] or 0)
local at = math.max(tonumber(from), tonumber(m[2] or 1), 1)
local found = {0}
while at <= last and #found <= 2 * limit do
  local fields = {}
  for n = at, math.min(at + 199, last) do fields[#fields + 1] = 'N' .. string.format('%.0f', n) end
  local links = call('HMGET', reports, unpack(fields))
  for i = 1, #links do
    if links[i] and #found <= 2 * limit then
      found[#found + 1] = links[i]
      found[#found + 1] = row_text(row_of(links[i]))
    end
    if #found <= 2 * limit then at = at + 1 end
  end
end
if at <= last then found[1] = string.format('%.0f', at) end
return found
