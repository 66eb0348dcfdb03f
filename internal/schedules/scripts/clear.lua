#!lua flags=allow-oom
-- clear takes entries out of the outbox, once it is known what became of them. A
-- repeat does nothing.
--
-- KEYS outbox waiting declarations jobs history meta
-- ARGV term ...
--   for each entry: the entry; done, or wait for one that waits until an earlier
--   job has ended; a line for the history or ''; the job that it became or ''.
-- Returns how many were in the outbox or waited.
-- Errors TERM, FORMAT.
local refused = lead(term)
if refused then return refused end
local cleared = 0
for i = rest, #ARGV, 4 do
  local entry, what, line, job = unpack(ARGV, i, i + 3)
  local id = schedule_of(entry)
  local here = call('ZREM', outbox, entry)
  if what == 'wait' then
    if here == 1 then call('ZADD', waiting, 0, entry) end
  else
    here = here + call('ZREM', waiting, entry)
    if here > 0 and call('HEXISTS', declarations, id) == 1 then
      if line ~= '' then note(id, line) end
      if job ~= '' then call('HSET', jobs, id, job) end
    end
  end
  if here > 0 then cleared = cleared + 1 end
end
return cleared
