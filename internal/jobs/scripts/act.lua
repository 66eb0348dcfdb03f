#!lua flags=allow-oom
-- act does one step of an action: it retries, cancels or deletes jobs, each once, and notes in
-- the same moment how far the action has come. A repeat does nothing and gets STALE.
--
-- KEYS jobs ready scheduled running counts errors suspects stale cancels archive completed cancelled discarded expiry seen bell meta stats route lanes parked action uniques reports minute series
-- ARGV verb token from to looked states ...
--   verb: retry, cancel or delete; token: that of the lock under which the action runs; from:
--   where it stood before this step, '' where it has not begun; to: where it stands then;
--   looked: how many jobs were looked at; states: those that a live job may be in, with spaces
--   around them; then for each job that is meant its id, and the state and ms of its end,
--   or '' and '' if it is live. One that is not so any more is passed over.
-- Returns "token|matched|changed|failed|looked|n|problem|to", the row of the action, all since
--   it began here: problem has n bytes, and is that of the first job of those that failed.
-- Errors LEASELOST: the action is run under a later token; STALE: it stands somewhere else;
--   FORMAT. Nothing was done.
local refused, paused = check()
if refused then return refused end
local row = call('HGET', action, '')
local last, matched, changed, failed, seen_before, size, pos = string.match(row or '', '^(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|()')
if last and tonumber(last) > tonumber(token) then
  return redis.error_reply('LEASELOST the action is run under token ' .. last)
end
local problem, stands = '', ''
if last then
  problem, stands = string.sub(row, pos, pos + size - 1), string.sub(row, pos + size + 1)
end
if stands ~= from then
  return redis.error_reply('STALE the action stands somewhere else')
end
matched, changed, failed = tonumber(matched or 0), tonumber(changed or 0), tonumber(failed or 0)
looked = tonumber(seen_before or 0) + looked

-- meant reports whether a job is still what it was when it was looked at.
local function meant(id, state, at)
  if state ~= '' then
    local kept = kept_as(state)
    local score = tonumber(call('ZSCORE', kept, id) or -1)
    if score >= 0 and score < ENDED then return string.match(call('HGET', archive, id) or '', '^%a+|(%d+)|') == at end
    return score == ENDED + at
  end
  return call('HEXISTS', jobs, id) == 1 and string.find(states, ' ' .. live_state(id) .. ' ', 1, true)
end

local deeds = {retry = retry_job, cancel = cancel_job, delete = delete_job}
local rang = false
for i = rest, #ARGV, 3 do
  local id, state, at = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  -- A live job that this action has met may be there again.
  if id ~= '' and call('HEXISTS', action, id) == 0 and meant(id, state, at) then
    matched = matched + 1
    local ran, done = pcall(deeds[verb], id)
    if ran and type(done) ~= 'table' then
      changed = changed + 1
      rang = rang or done == 'available'
    else
      failed = failed + 1
      if problem == '' then
        problem = string.sub(tostring(type(done) == 'table' and (done.err or done[1]) or done), 1, 500)
      end
    end
    if state == '' and verb ~= 'delete' then call('HSET', action, id, '') end
  end
end
if rang then ring(paused) end
count_ends(clock(), 0, 0)
row = table.concat({token, matched, changed, failed, looked, #problem, problem .. '|' .. to}, '|')
call('HSET', action, '', row)
return row
