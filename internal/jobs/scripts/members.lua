#!lua flags=allow-oom
-- members reads the row of a batch, has it told again, has no more members come from outside, or
-- cancels those that are here, a bounded number at a time. A repeat does nothing new.
--
-- KEYS jobs scheduled running counts errors suspects stale cancels archive completed cancelled discarded expiry seen meta stats route lanes parked uniques reports minute series
-- ARGV how link cursor limit
--   how: look, tell, if there is one, seal, or cancel, which seals, too; cursor: of a cancel, 0 to begin; limit: of jobs
--   that one step of it looks at.
-- Returns {cursor, row}: cursor '0' means that a cancel is done; the row is as count_members
--   writes it.
-- Errors FORMAT; OOM from no script: it must work beside a full memory.
local refused = check(how == 'seal' or how == 'cancel')
if refused then return refused end
if how == 'tell' then
  if row_of(link)[4] > 0 then count_members(link, {0, 0, 0, 0}) end
elseif how ~= 'look' and row_of(link)[3] == 0 then
  count_members(link, {0, 0, 0, 0}, true)
end
if how == 'cancel' then
  local step = call('HSCAN', jobs, cursor, 'COUNT', limit)
  cursor = step[1]
  for i = 1, #step[2], 2 do
    if link_of(step[2][i + 1]) == link then cancel_job(step[2][i]) end
  end
  count_ends(clock(), 0, 0)
end
return {cursor, row_text(row_of(link))}
