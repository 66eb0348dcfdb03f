#!lua
-- edit gives a job that waits another envelope, if it still has the one that was read. A
-- repeat gets CHANGED.
--
-- KEYS jobs running meta
-- ARGV id before after large
--   before: the envelope as it was read; large 1 if the one after it is.
-- Returns OK.
-- Errors NOTFOUND: no live job has that id; RUNNING; CHANGED: it has another envelope; FORMAT.
local refused = check()
if refused then return refused end
local envelope = id ~= '' and call('HGET', jobs, id)
if not envelope then
  return redis.error_reply('NOTFOUND no such job waits or runs')
elseif call('HEXISTS', running, id) == 1 then
  return redis.error_reply('RUNNING the job is running')
elseif envelope ~= before then
  return redis.error_reply('CHANGED the job is not as it was read')
end
if large == '1' then call('HSET', meta, 'large', '1') end
call('HSET', jobs, id, after)
return redis.status_reply('OK')
