#!lua flags=allow-oom
-- retry has steps of a flow run again. Those that run go on. A repeat finds none that is to.
--
-- KEYS outbox ops timers index living meta steps flow
-- ARGV id mode
--   mode: f those that failed, d what was cancelled since they did, too, a all that have ended.
-- Returns the fields.
-- Errors NOTFOUND; LIMITS: it has no steps; BUSY: what was decided before is still being done; FORMAT.
local refused = check() or absent(id) or busy(id)
if refused then return refused end
local f, now = call('HMGET', flow, 'st', 'dag', 'pend', 'span'), clock()
if not f[2] then return redis.error_reply('LIMITS ' .. id .. ' is a batch: its jobs are retried one by one') end
if f[1] == 'draft' then return redis.error_reply('NOTFOUND flow ' .. id .. ': its steps are still being stored') end
if tonumber(f[3] or 0) > 0 then return redis.error_reply('BUSY flow ' .. id .. ' is at work') end
call('HDEL', flow, 'ended', 'cancelled', 'deadline')
call('HSET', flow, 'st', 'closing', 'frozen', 1)
if f[4] ~= '0' then call('HSET', flow, 'deadline', string.format('%.0f', now + f[4])) end
todo = {'r|0||' .. mode}
run_todo(id, now)
set_timer(id, now)
conclude(id)
return describe()
