#!lua flags=allow-oom
-- delete removes a job and all that is known of it, but for an ID of the caller's
-- own, which stays known for its 24 h. A repeat gets NOTFOUND.
--
-- KEYS jobs scheduled running counts errors suspects stale cancels archive completed cancelled discarded stats route lanes parked
-- ARGV id
-- Returns OK.
-- Errors NOTFOUND; RUNNING: cancel it first.
if id == '' then
  return redis.error_reply('NOTFOUND no such job')
end
if call('HEXISTS', running, id) == 1 then
  return redis.error_reply('RUNNING the job is running')
end
if call('HDEL', archive, id) == 1 then
  for _, kept in ipairs({completed, cancelled, discarded}) do
    call('ZREM', kept, id)
  end
elseif call('HEXISTS', jobs, id) == 1 then
  unline(id)
  call('HDEL', jobs, id)
  forget({id})
else
  return redis.error_reply('NOTFOUND no such job')
end
call('HINCRBY', stats, 'deleted', 1)
return 'OK'
