#!lua flags=allow-oom
-- settle compares what a process knows of queues with the registry, and writes again
-- what Redis has forgotten. Where the numbers of partitions differ, the larger one
-- holds. A queue that was deleted since the process saw it there is not written. A
-- repeat changes nothing.
--
-- KEYS queues
-- ARGV max ...
--   max: the largest number of partitions; then for each queue its name, the number
--   that the process knows, and the last deletion that it knew of when it saw the
--   queue there.
-- Returns {last, written, rows}: last, the ms of the last deletion of any queue; how
--   many rows were written; of each queue its row as it is now, '' if there is none.
local last = call('HGET', queues, '') or '0'
local rows, written = {}, 0
for i = rest, #ARGV, 3 do
  local name, known, seen = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local row = call('HGET', queues, name) or ''
  local n = tonumber(row)
  if not n or n < 1 or n > tonumber(max) then n = 0 end
  if n < tonumber(known) and tonumber(last) <= tonumber(seen) then
    call('HSET', queues, name, known)
    row, written = known, written + 1
  end
  rows[#rows + 1] = row
end
return {last, written, rows}
