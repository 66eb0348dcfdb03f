#!lua flags=no-writes
-- pick gives jobs that an action may be about, some at a time. A job that stays in its place
-- from the first call to the last comes at least once, whatever goes in and out meanwhile.
--
-- KEYS jobs scheduled running completed cancelled discarded meta
-- ARGV place cursor until_ms limit
--   place: jobs, for all that are live; running, scheduled, completed, cancelled or discarded;
--   cursor: '' at first, then as the call before gave it; until_ms: those that ended later are
--   left out.
-- Returns {cursor, ids}: cursor '' after the last. There may be some more of jobs and running
--   than limit.
limit = tonumber(limit)

-- behind reports whether a comes behind b, as Redis orders members of one score: by their
-- bytes, which the comparison of strings need not do.
local function behind(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x > y end
  end
  return #a > #b
end

-- rank_behind gives the rank of the first member behind the one at the cursor, which need
-- not be there any more.
local function rank_behind(set)
  if cursor == '' then return 0 end
  local score, member = string.match(cursor, '^([^/]*)/(.*)$')
  local low, high = call('ZCOUNT', set, '-inf', '(' .. score), call('ZCOUNT', set, '-inf', score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if behind(call('ZRANGE', set, middle, middle)[1], member) then high = middle else low = middle + 1 end
  end
  return low
end

local function in_order(set, last)
  local from = rank_behind(set)
  local found, ids, at = call('ZRANGE', set, from, from + limit - 1, 'WITHSCORES'), {}, ''
  for i = 1, #found, 2 do
    if last and tonumber(found[i + 1]) > last then return {'', ids} end
    ids[#ids + 1] = found[i]
    at = found[i + 1] .. '/' .. found[i]
  end
  return {#ids == limit and at or '', ids}
end

-- scanned gives the fields of some of a hash.
local function scanned(hash, count)
  local step, ids = call('HSCAN', hash, cursor == '' and '0' or cursor, 'COUNT', count), {}
  for i = 1, #step[2], 2 do
    if step[2][i] ~= '' then ids[#ids + 1] = step[2][i] end
  end
  return {step[1] == '0' and '' or step[1], ids}
end

if place == 'running' then return scanned(running, limit) end
if place == 'scheduled' then return in_order(scheduled) end
if place == 'jobs' then -- the envelopes come with it
  return scanned(jobs, call('HGET', meta, 'large') == '1' and math.min(limit, 10) or limit)
end
return in_order(kept_as(place), ENDED + until_ms)
