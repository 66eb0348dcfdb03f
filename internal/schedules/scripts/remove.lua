#!lua flags=allow-oom
-- remove forgets schedules, each only if its declaration is still the one that was
-- read. Jobs that are enqueued already stay; ticks in the outbox are dropped by
-- the leader. A repeat does nothing.
--
-- KEYS declarations next last paused jobs history sources meta
-- ARGV source declared_ms ...
--   source '' for a removal by hand, which any source's schedule obeys; then for
--   each: id and revision.
-- Returns a word for each: removed, changed.
-- Errors OLDER, FORMAT.
local refused = check()
if refused then return refused end
if source ~= '' and math.min(tonumber(declared_ms), clock()) < tonumber(call('HGET', sources, source) or '0') then
  return redis.error_reply('OLDER source ' .. source .. ' was declared later')
end
local said = {}
for i = rest, #ARGV, 2 do
  local id, revision = ARGV[i], ARGV[i + 1]
  local known, owner = part(call('HGET', declarations, id))
  if known == revision and (source == '' or owner == source) then
    call('ZREM', next, id)
    for _, hash in ipairs({declarations, last, paused, jobs, history}) do
      call('HDEL', hash, id)
    end
    said[#said + 1] = 'removed'
  else
    said[#said + 1] = 'changed'
  end
end
return said
