#!lua
-- put stores declarations, each only if nothing has changed since its revision was
-- read. The declarations of a source that was declared later are left alone. A
-- repeat finds the revisions changed and does nothing.
--
-- KEYS declarations next last paused sources meta
-- ARGV source declared_ms ...
--   source '' for those that were added at run time, with declared_ms 0; then for
--   each: id, the revision that is replaced ('' for none), its text, and next_ms,
--   '' to keep the one that is.
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
for i = rest, #ARGV, 4 do
  local id, revision, text, at = unpack(ARGV, i, i + 3)
  local known, owner = part(call('HGET', declarations, id))
  local before = tonumber(call('HGET', last, id) or '')
  if known and owner ~= source then
    said[#said + 1] = 'clash'
  elseif (known or '') ~= revision or (at ~= '' and before and tonumber(at) <= before) then
    said[#said + 1] = 'changed'
  else
    call('HSET', declarations, id, call('HINCRBY', meta, 'revision', 1) .. '|' .. source .. '|' .. text)
    if at ~= '' and call('HEXISTS', paused, id) == 0 then
      call('ZADD', next, at, id)
    end
    said[#said + 1] = 'stored'
  end
end
return said
