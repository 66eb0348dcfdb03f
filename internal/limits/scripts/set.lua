#!lua flags=allow-oom
-- set notes a limit that partitions share, changes it or takes it away. A repeat changes nothing but the version and the
-- time. What was taken away is remembered for a day, so that partitions that still have it learn of that.
--
-- KEYS limits grants
-- ARGV name source terms detail queue
--   name, source, terms and detail as limit of the engine has them; terms are empty to take the limit away. queue: empty
--   for all queues.
-- Returns {changed, row}: changed 1 if something did; row is "queue|source|version|at_ms|terms|detail" as it is now: the
--   queue, and a row as limit of the engine has it.
-- Errors NOTFOUND: there is no such limit to take away; LIMITS: there are as many as may be, or one of that name is for
--   another queue.
local MOST = 100
local DAY = 86400000
local t = call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)

local all, n = call('HGETALL', limits), 0
for i = 1, #all, 2 do
  local by, at = string.match(all[i + 1], '^[^|]*|(%a+)|%d+|(%d+)|')
  if by ~= 'removed' then
    n = n + 1
  elseif tonumber(at) + DAY < now then
    call('HDEL', limits, all[i])
  end
end

local row = call('HGET', limits, name)
local of, by, version, before, said = string.match(row or '', '^([^|]*)|(%a+)|(%d+)|%d+|([^|]*)|(.*)$')
local lives = by and by ~= 'removed'
if terms == '' then
  if not lives then return redis.error_reply('NOTFOUND there is no limit of that name') end
  row = string.format('|removed|%.0f|%.0f||', version + 1, now)
  call('HSET', limits, name, row)
  call('DEL', grants)
  return {1, row}
end
if lives and of ~= queue then
  return redis.error_reply('LIMITS limit ' .. name .. ' is of ' .. (of == '' and 'all queues' or 'queue ' .. of) .. ' already; want another name, or that removed first')
elseif not lives and n >= MOST then
  return redis.error_reply('LIMITS ' .. MOST .. ' limits are shared by queues or partitions; want one of them removed first')
elseif source == 'program' and lives and (by == 'operator' or (before == terms and said == detail)) then
  return {0, row}
end
if not lives then
  call('DEL', grants)
  local burst = string.match(terms, '^%d+,%d+,(%d+)')
  call('HSET', grants, '', string.format('%.0f|0|0', burst * 1000))
end
row = string.format('%s|%s|%.0f|%.0f|', queue, source, (version or 0) + 1, now) .. terms .. '|' .. detail
call('HSET', limits, name, row)
return {1, row}
