#!lua flags=no-writes
-- spread gives the partitions in which members of a batch have not ended, as far as these have told.
--
-- KEYS flow
-- ARGV id
-- Returns a list of partitions, each with how many members.
-- Errors NOTFOUND.
local missing = absent(id)
if missing then return missing end
local found = {}
for _, source in ipairs(sources_of()) do
  local row = row_at(source)
  local left = row[2] - row[3] - row[4] - row[5]
  if left > 0 then
    found[#found + 1] = source
    found[#found + 1] = left
  end
end
return found
