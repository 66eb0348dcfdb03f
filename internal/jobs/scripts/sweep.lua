#!lua flags=allow-oom
-- sweep removes ended jobs whose time in the archive is over, the oldest of those
-- over the limit, and IDs that need no longer be known; a bounded number at a
-- time. A repeat goes on where it left off.
--
-- KEYS archive completed cancelled discarded seen meta stats
-- ARGV max limit
--   max: ended jobs of each state that are kept; limit: removals of each sort.
-- Returns {removed, trimmed, more}: trimmed were removed before their time; more
--   is 1 if there may be others.
local now = clock()
max, limit = tonumber(max), tonumber(limit)
local removed, trimmed, more = 0, 0, 0

local function drop(kept, ids)
  if #ids == 0 then return end
  call('ZREM', kept, unpack(ids))
  call('HDEL', archive, unpack(ids))
  removed = removed + #ids
  if #ids == limit then more = 1 end
end

for _, kept in ipairs({completed, cancelled, discarded}) do
  drop(kept, call('ZRANGEBYSCORE', kept, '-inf', now, 'LIMIT', 0, limit))
  local over = math.min(call('ZCARD', kept) - max, limit)
  if over > 0 then
    drop(kept, call('ZRANGE', kept, 0, over - 1))
    trimmed = trimmed + over
  end
end
local ids = call('ZRANGEBYSCORE', seen, '-inf', now, 'LIMIT', 0, limit)
if #ids > 0 then call('ZREM', seen, unpack(ids)) end
if #ids == limit then more = 1 end
if trimmed > 0 then call('HINCRBY', stats, 'trimmed', trimmed) end
return {removed, trimmed, more}
