#!lua flags=allow-oom
-- cancel ends a waiting job, or marks a running one, whose worker learns of it by
-- its next beat or turn. The mark outlives the worker. A repeat changes nothing.
--
-- KEYS jobs scheduled running counts errors suspects stale cancels archive completed cancelled discarded seen stats route lanes parked
-- ARGV id
-- Returns cancelled or running.
-- Errors NOTFOUND: no live job has that id.
if id == '' or call('HEXISTS', jobs, id) == 0 then
  return redis.error_reply('NOTFOUND no such job waits or runs')
end
local now = clock()
if call('HEXISTS', running, id) == 1 then
  call('HSETNX', cancels, id, now)
  return 'running'
end
unline(id)
finish(id, 'cancelled', now, '', '')
return 'cancelled'
