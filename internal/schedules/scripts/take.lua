#!lua flags=allow-oom
-- take reads entries of the outbox, or of those that wait for an earlier job to
-- end, oldest tick first within a schedule. It takes nothing out: clear does.
--
-- KEYS outbox waiting declarations jobs meta
-- ARGV term box offset limit ...
--   box: outbox or waiting; then the entries that are wanted, instead of limit
--   ones from offset on.
-- Returns {now_ms, found}: found a list of entry, declaration ('' if the schedule is gone), the last job
--   of the schedule ('' for none) and how many of its entries wait; of wanted
--   entries, those that are in the box.
-- Errors TERM, FORMAT.
local refused = lead(term)
if refused then return refused end
local from = box == 'waiting' and waiting or outbox
local found = {}
local function add(entry)
  local id = schedule_of(entry)
  found[#found + 1] = entry
  found[#found + 1] = call('HGET', declarations, id) or ''
  found[#found + 1] = call('HGET', jobs, id) or ''
  found[#found + 1] = call('ZLEXCOUNT', waiting, '[' .. id .. '@', '(' .. id .. 'A')
end
if rest > #ARGV then
  for _, entry in ipairs(call('ZRANGE', from, offset, offset + limit - 1)) do add(entry) end
end
for i = rest, #ARGV do
  if call('ZSCORE', from, ARGV[i]) then add(ARGV[i]) end
end
return {clock(), found}
