#!lua flags=allow-oom
-- limit declares a limit of a partition, changes it or takes it away. What runs goes on. A
-- repeat changes nothing but the version and the time.
--
-- KEYS jobs ready scheduled running suspects lanes gates blocked bell meta limits
-- ARGV name source terms detail
--   source: program, for what a worker declares, or operator; a program does not change what
--   an operator has set; or shared, to take away one that is shared, if there is such; or close, to close its breaker and
--   change nothing else.
--   terms: "most,every,burst" as the prelude has them, for one kind of jobs with ",kind" behind, and with ",group"
--   behind that for each group, or ",share" if the partition shares the limit with others, kind being empty where it is
--   for all its jobs, and with a breaker ",rate.min.window.cool.probes" behind that; empty to take the limit away;
--   detail: for people. An operator who sets a limit closes its breaker. One that is shared lets none start until the
--   partition has a share.
-- Returns {changed, row}: changed 1 if something did; row is "source|version|at_ms|terms|detail"
--   as it is now, empty if there is none.
-- Errors NOTFOUND: there is no such limit to take away; LIMITS: there are as many as may be, or one of that name
--   is shared with others; FORMAT.
local MOST = 16 -- limits of one partition
local refused, paused = check(terms ~= '')
if refused then return refused end

-- is_shared says whether a limit of those terms is shared with other partitions.
local function is_shared(of)
  return string.find(of or '', '^[^,]*,[^,]*,[^,]*,[^,]*,share')
end

local row = call('HGET', limits, name)
local by, version, before, said = string.match(row or '', '^(%a+)|(%d+)|%d+|([^|]*)|(.*)$')
if source == 'shared' and not is_shared(before) then return {0, row or ''} end
if source == 'close' and call('HDEL', meta, 'brk:' .. name) == 0 then return {0, row or ''} end
if source == 'program' and (by == 'operator' or (before == terms and said == detail)) then
  return {0, row}
end
if source == 'close' then
  row = row or ''
elseif terms ~= '' then
  if is_shared(before) and not is_shared(terms) then
    return redis.error_reply('LIMITS limit ' .. name .. ' is shared with other queues or partitions; want another name, or that removed first')
  elseif not row and select(6, limit_rows()) >= MOST then
    return redis.error_reply('LIMITS there are ' .. MOST .. ' limits; want one of them taken away first')
  end
  if is_shared(before) and is_shared(terms) and before ~= terms then keep_share(name, terms) end
  row = table.concat({source, (version or 0) + 1, clock(), terms, detail}, '|')
  call('HSET', limits, name, row)
  if source == 'operator' or before ~= terms then call('HDEL', meta, 'brk:' .. name) end
elseif row then
  row = ''
  call('HDEL', limits, name, '=' .. name)
  call('HDEL', meta, 'tat:' .. name, 'brk:' .. name)
else
  return redis.error_reply('NOTFOUND there is no limit of that name')
end
local all, names = rebind()
recount(all, names)
look_anew(all, names, paused)
return {1, row}
