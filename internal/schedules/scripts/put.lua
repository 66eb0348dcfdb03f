#!lua
-- put stores declarations, each only if nothing has changed since its revision was
-- read. The declarations of a source that was declared later are left alone. A
-- repeat finds the revisions changed and does nothing.
--
-- KEYS declarations next last paused sources meta
-- ARGV source declared_ms ...
--   source '' for those that were added at run time, with declared_ms 0; then for
--   each: id, the revision that is replaced ('' for none), its text, next_ms ('' to
--   keep the one that is, none for never), 1 to pause it, 0 to resume it or '', and
--   the source that it may be taken from.
-- Returns a word for each: stored, clash (it belongs to another source), changed.
-- Errors OLDER, FORMAT.
local refused = check()
if refused then return refused end
if source ~= '' then
  local newest = call('HGET', sources, source) or '0'
  declared_ms = math.min(tonumber(declared_ms), clock())
  if declared_ms < tonumber(newest) then
    return redis.error_reply('OLDER source ' .. source .. ' was declared later, at ' .. newest)
  end
  call('HSET', sources, source, declared_ms)
end
local said = {}
for i = rest, #ARGV, 6 do
  local id, revision, text, at, pause, from = unpack(ARGV, i, i + 5)
  local known, owner = part(call('HGET', declarations, id))
  local before, tick = tonumber(call('HGET', last, id) or ''), tonumber(at)
  if known and owner ~= source and owner ~= from then
    said[#said + 1] = 'clash'
  elseif (known or '') ~= revision or (tick and before and tick <= before) then
    said[#said + 1] = 'changed'
  else
    call('HSET', declarations, id, call('HINCRBY', meta, 'revision', 1) .. '|' .. source .. '|' .. text)
    if pause == '1' then
      call('HSETNX', paused, id, clock())
    elseif pause == '0' then
      call('HDEL', paused, id)
    end
    if at == 'none' or call('HEXISTS', paused, id) == 1 then
      call('ZREM', next, id)
    elseif at ~= '' then
      call('ZADD', next, at, id)
    end
    said[#said + 1] = 'stored'
  end
end
return said
