#!lua flags=allow-oom
-- await has a process told how jobs end, over a channel of its own, and says where they
-- stand. What it notes goes with the job, or some time after the process asked last. A
-- repeat notes it again.
--
-- KEYS jobs archive seen reports meta
-- ARGV channel ttl_ms what bytes ...
--   ttl_ms: how long the process listens unless it asks again; 0: it waits no more. what: e
--   for the end of the job, r for what is reported of it, too; bytes: how many of envelopes the
--   answer may have; then for each job its id and the number that the process gives it, at
--   most 100.
-- Returns a list for each id: {'live', told, envelope}: told is 0 where too many wait already,
--   envelope '' where it has no room; {'ended'}: it is in the archive; {'over', event, ended_ms,
--   failed}: it kept nothing, and was waited for; {'seen', state} for an ID of a caller's own of
--   which nothing else is left, {'unknown'}.
-- Errors FORMAT.
local refused = check()
if refused then return refused end
local now = clock()
ttl_ms, bytes = tonumber(ttl_ms), tonumber(bytes)

local MOST = 64 -- processes that wait for one job

-- note puts the process among those that wait for a job, or takes it out.
local function note(id, number)
  local row, others, n = call('HGET', reports, 'w' .. id) or '', '', 0
  for name, till, of, its in string.gmatch(row, '([^,;]+),(%d+),(%a),(%d+);') do
    if name ~= channel and tonumber(till) > now then
      n = n + 1
      others = others .. name .. ',' .. till .. ',' .. of .. ',' .. its .. ';'
    end
  end
  local told = n < MOST and 1 or 0
  if ttl_ms > 0 and told == 1 then
    others = others .. string.format('%s,%.0f,%s,%s;', channel, now + ttl_ms, what, number)
  end
  if others ~= '' then
    begin_reports()
    call('HSET', reports, 'w' .. id, others)
  elseif row ~= '' then
    call('HDEL', reports, 'w' .. id)
  end
  return told
end

local found = {}
for i = rest, #ARGV, 2 do
  local id = ARGV[i]
  local till, event, ended, failed = string.match(call('HGET', reports, 't' .. id) or '', '^(%d+)|(%a+)|(%d+)|(%d+)$')
  if id ~= '' and call('HEXISTS', jobs, id) == 1 then
    local told, envelope = note(id, ARGV[i + 1]), ''
    local size = call('HSTRLEN', jobs, id)
    if size <= bytes then
      bytes = bytes - size
      envelope = call('HGET', jobs, id)
    end
    found[#found + 1] = {'live', told, envelope}
  elseif id ~= '' and call('HEXISTS', archive, id) == 1 then
    found[#found + 1] = {'ended'}
  elseif till and tonumber(till) > now then
    found[#found + 1] = {'over', event, ended, failed}
  else
    local state = remembered(id, now)
    found[#found + 1] = state and {'seen', state} or {'unknown'}
  end
end
if ttl_ms == 0 and reported then shut_reports() end
return found
