#!lua flags=allow-oom
-- cancel cancels all members of a batch, and has it take no more; or all steps of a flow. A repeat changes nothing.
--
-- KEYS outbox ops timers index living meta steps flow
-- ARGV id why
-- Returns the fields.
-- Errors NOTFOUND; ENDED: all members have ended; BUSY: it is being retried; FORMAT.
local refused = check() or absent(id) or busy(id)
if refused then return refused end
if call('HGET', flow, 'st') == 'draft' then return redis.error_reply('NOTFOUND flow ' .. id .. ': its steps are still being stored') end
if call('HGET', flow, 'st') == 'ended' then return redis.error_reply('ENDED flow ' .. id .. ' has ended') end
cancel(id, clock(), why)
return describe()
