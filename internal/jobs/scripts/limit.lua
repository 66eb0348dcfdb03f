#!lua flags=allow-oom
-- limit declares a limit of a partition, changes it or takes it away. What runs goes on. A
-- repeat changes nothing but the version and the time.
--
-- KEYS jobs ready scheduled running suspects lanes gates blocked bell meta limits
-- ARGV name source terms detail
--   source: program, for what a worker declares, or operator; a program does not change what
--   an operator has set. terms: "most,every,burst" as the prelude has them, for one kind of jobs
--   with ",kind" behind, and for each group with ",group" behind that, kind being empty where it is for all
--   its jobs, and with a breaker ",rate.min.window.cool.probes" behind that; empty to take the limit away; detail:
--   for people. An operator who sets a limit closes its breaker.
-- Returns {changed, row}: changed 1 if something did; row is "source|version|at_ms|terms|detail"
--   as it is now, empty if there is none.
-- Errors NOTFOUND: there is no such limit to take away; LIMITS: there are as many as may be;
--   FORMAT.
local MOST = 16 -- limits of one partition
local refused, paused = check(terms ~= '')
if refused then return refused end
-- written gives the terms of all limits as "name,most,every,burst": those of all jobs, of each
-- kind, those in groups as group_limits has them, breakers, and how many they are. The other fields are what pause has written.
local function written()
  local all, list, of, in_groups, with, n = call('HGETALL', limits), {}, {}, {}, {}, 0
  for i = 1, #all, 2 do
    local numbers, kind, group, breaker = string.match(all[i + 1], '^%a+|%d+|%d+|(%d+,%d+,%d+),?([^|,]*),?([^|,]*),?([^|]*)|')
    if numbers then
      n = n + 1
      if breaker ~= '' then with[#with + 1] = all[i] .. ',' .. string.gsub(breaker, '%.', ',') .. ';' end
      local into = list
      if group ~= '' then
        into = in_groups
        numbers = numbers .. ',' .. kind .. ';'
      elseif kind ~= '' then
        of[kind] = of[kind] or {}
        into = of[kind]
      end
      into[#into + 1] = all[i] .. ',' .. numbers
      table.sort(into)
    end
  end
  table.sort(with)
  return list, of, table.concat(in_groups), table.concat(with), n
end

local row = call('HGET', limits, name)
local by, version, before, said = string.match(row or '', '^(%a+)|(%d+)|%d+|([^|]*)|(.*)$')
if source == 'program' and (by == 'operator' or (before == terms and said == detail)) then
  return {0, row}
end
if terms ~= '' then
  if not row and select(5, written()) >= MOST then
    return redis.error_reply('LIMITS there are ' .. MOST .. ' limits; want one of them taken away first')
  end
  row = table.concat({source, (version or 0) + 1, clock(), terms, detail}, '|')
  call('HSET', limits, name, row)
  if source == 'operator' or before ~= terms then call('HDEL', meta, 'brk:' .. name) end
elseif row then
  row = ''
  call('HDEL', limits, name)
  call('HDEL', meta, 'tat:' .. name, 'brk:' .. name)
else
  return redis.error_reply('NOTFOUND there is no limit of that name')
end

local list, of, in_groups, with
list, of, in_groups, with = written()
breakers = set_meta('breakers', with, breakers)
call('HDEL', meta, 'limits')
if #list > 0 then call('HSET', meta, 'limits', table.concat(list, ';')) end
local kinds_now, names = kinds_declared(0)
for kind in pairs(of) do declared_kind(kinds_now, names, kind) end
for kind, g in pairs(kinds_now) do g.bounds = table.concat(of[kind] or {}, '/') end
local _, since, were = '', 0, ''
if group_limits then _, since, were = wait_notes() end
if in_groups ~= were then
  if in_groups ~= '' or call('EXISTS', blocked) == 1 then
    set_wait_notes('0', since, in_groups) -- those that wait look again
  else
    group_limits = set_meta('group_limits', '', group_limits)
  end
  if in_groups == '' then call('DEL', gates) end
end
recount(kinds_now, names)
declare(kinds_now, names, #names > 0 and call('ZMSCORE', lanes, unpack(names)) or {})
barred = set_meta('barred', '', barred)
call('HDEL', meta, 'gate') -- there may be room; the next turn says
if (ranked or 0) > 0 or next_due() or call('EXISTS', ready, suspects, lanes) > 0 then ring(paused) end
return {1, row}
