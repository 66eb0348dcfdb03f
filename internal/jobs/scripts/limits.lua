#!lua flags=no-writes
-- limits lists the limits of a partition, and says how they stand.
--
-- KEYS ready running suspects lanes gates meta limits
-- Returns for each a name, a row, as limit has it, how its breaker stands, as the prelude has it, '' where that
--   is closed and has seen nothing; how many jobs run that count, and how many wait for it or for something else; and
--   from when on, in ms, it lets one start, 0 if it does, FAR where a job must end first or a share come. Of limits of
--   each group the last three are 0.
local all, list, now = call('HGETALL', limits), {}, clock()
breakers = call('HGET', meta, 'breakers')
for i = 1, #all, 2 do
  local name, row = all[i], all[i + 1]
  local numbers, kind, held = read_limit(row)
  local run, wait, opens = 0, 0, 0
  if numbers and held ~= 'group' then
    if held == 'share' then numbers = share_terms(numbers, read_share(name)) end
    local of, left = kind ~= '' and kind or nil, 0
    run, wait = count_running(of), count_waiting(of)
    left, opens = room_under(name .. ',' .. numbers, of, now)
    if left > 0 then opens = 0 end
  end
  for _, value in ipairs({name, row, call('HGET', meta, 'brk:' .. name) or '', run, wait, opens}) do
    list[#list + 1] = type(value) == 'number' and string.format('%.0f', value) or value
  end
end
return list
