#!lua flags=allow-oom
-- purge removes the jobs of one state, a bounded number at a time. A repeat goes
-- on where it left off.
--
-- KEYS jobs ready scheduled counts errors suspects stale cancels archive completed cancelled discarded stats route lanes parked
-- ARGV state offset limit
--   offset: entries of scheduled to pass over; they are of the other state.
-- Returns {removed, offset, more}: more is 1 if there may be others.
offset, limit = tonumber(offset), tonumber(limit)
local removed, more = 0, 0

local function drop(ids)
  if #ids == 0 then return end
  call('HDEL', jobs, unpack(ids))
  forget(ids)
  removed = removed + #ids
end

local function purge_ready()
  local ids = {}
  for _, id in ipairs(call('RPOP', ready, limit) or {}) do
    local n = tonumber(call('HGET', stale, id) or 0)
    if n == 0 then
      ids[#ids + 1] = id
    elseif n == 1 then
      call('HDEL', stale, id)
    else
      call('HINCRBY', stale, id, -1)
    end
  end
  for _, id in ipairs(call('RPOP', suspects, limit) or {}) do ids[#ids + 1] = id end
  for _, slot in ipairs(call('ZRANGE', parked, 0, limit - 1)) do
    local id = string.match(slot, '^[^/]*/%d+/(.*)$')
    unpark(id)
    ids[#ids + 1] = id
  end
  drop(ids)
  more = call('EXISTS', ready, suspects, parked)
end

local function purge_scheduled()
  local found, ids = call('ZRANGE', scheduled, offset, offset + limit - 1), {}
  for i = 1, #found do
    if (tally(found[i]) > 0) == (state == 'retryable') then ids[#ids + 1] = found[i] end
  end
  if #ids > 0 then unschedule(ids) end
  drop(ids)
  offset = offset + #found - #ids
  more = #found == limit and 1 or 0
end

local function purge_kept(kept)
  local ids = call('ZRANGE', kept, 0, limit - 1)
  if #ids > 0 then
    call('ZREM', kept, unpack(ids))
    call('HDEL', archive, unpack(ids))
  end
  removed = #ids
  more = call('EXISTS', kept)
end

local by_state = {
  available = purge_ready,
  scheduled = purge_scheduled,
  retryable = purge_scheduled,
  completed = function() purge_kept(completed) end,
  cancelled = function() purge_kept(cancelled) end,
  discarded = function() purge_kept(discarded) end,
}
by_state[state]()
if removed > 0 then call('HINCRBY', stats, 'deleted', removed) end
return {removed, offset, more > 0 and 1 or 0}
