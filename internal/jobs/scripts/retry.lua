#!lua flags=allow-oom
-- retry makes a job available now: an ended one comes back from the archive with
-- all its attempts, a waiting one is promoted. A repeat changes nothing.
--
-- KEYS jobs ready scheduled running counts errors suspects cancels archive completed cancelled discarded bell meta stats
-- ARGV id
-- Returns available.
-- Errors NOTFOUND; RUNNING; FORMAT.
local refused, paused = check()
if refused then return refused end
if call('HEXISTS', running, id) == 1 and id ~= '' then
  return redis.error_reply('RUNNING the job is running')
end
if call('ZSCORE', scheduled, id) then
  unschedule({id})
  available('LPUSH', {id})
elseif id ~= '' and call('HEXISTS', archive, id) == 1 then
  local record = call('HGET', archive, id)
  local results, reasons, at = string.match(record, '^%a+|%d+|%d+|%d+|(%d+)|(%d+)|()')
  local list = string.sub(record, at + results, at + results + reasons - 1)
  local envelope = string.sub(record, at + results + reasons)
  if envelope == '' then
    return redis.error_reply('NOTFOUND the envelope of the job is lost')
  end
  call('HDEL', archive, id)
  for _, kept in ipairs({completed, cancelled, discarded}) do
    call('ZREM', kept, id)
  end
  open(jobs)
  call('HSET', jobs, id, envelope)
  if list ~= '' then
    set_tally(id, 0, 0)
    call('HSET', errors, id, list)
  end
  call('LPUSH', ready, id)
  call('HINCRBY', stats, 'retried', 1)
elseif id == '' or call('HEXISTS', jobs, id) == 0 then
  return redis.error_reply('NOTFOUND no such job')
end
if not paused then ring() end
return 'available'
