#!lua flags=allow-oom
-- limit declares a limit of a partition, changes it or takes it away. What runs goes on. A
-- repeat changes nothing but the version and the time.
--
-- KEYS ready scheduled suspects lanes bell meta limits
-- ARGV name source terms detail
--   source: program, for what a worker declares, or operator; a program does not change what
--   an operator has set. terms: "most,every,burst" as prelude.lua has them, empty to take the
--   limit away; detail: for people.
-- Returns {changed, row}: changed 1 if something did; row is "source|version|at_ms|terms|detail"
--   as it is now, empty if there is none.
-- Errors NOTFOUND: there is no such limit to take away; LIMITS: there are as many as may be;
--   FORMAT.
local MOST = 16 -- limits of one partition
local refused, paused = check(terms ~= '')
if refused then return refused end
-- written gives the terms of all limits; the other fields are what pause has written.
local function written()
  local all, list = call('HGETALL', limits), {}
  for i = 1, #all, 2 do
    local numbers = string.match(all[i + 1], '^%a+|%d+|%d+|([%d,]+)|')
    if numbers then list[#list + 1] = all[i] .. ',' .. numbers end
  end
  return list
end

local row = call('HGET', limits, name)
local by, version, before, said = string.match(row or '', '^(%a+)|(%d+)|%d+|([%d,]+)|(.*)$')
if source == 'program' and (by == 'operator' or (before == terms and said == detail)) then
  return {0, row}
end
if terms ~= '' then
  if not row and #written() >= MOST then
    return redis.error_reply('LIMITS there are ' .. MOST .. ' limits; want one of them taken away first')
  end
  row = table.concat({source, (version or 0) + 1, clock(), terms, detail}, '|')
  call('HSET', limits, name, row)
elseif row then
  row = ''
  call('HDEL', limits, name)
  call('HDEL', meta, 'tat:' .. name)
else
  return redis.error_reply('NOTFOUND there is no limit of that name')
end

local list = written()
table.sort(list)
if #list > 0 then
  call('HSET', meta, 'limits', table.concat(list, ';'))
else
  call('HDEL', meta, 'limits')
end
call('HDEL', meta, 'gate') -- there may be room; the next turn says
if in_line(paused) > 0 or next_due() or call('EXISTS', suspects, lanes) > 0 then ring(paused) end
return {1, row}
