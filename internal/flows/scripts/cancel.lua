#!lua flags=allow-oom
-- cancel cancels all members of a batch, and has it take no more. A repeat changes nothing.
--
-- KEYS outbox ops timers index meta flow
-- ARGV id why
-- Returns the fields.
-- Errors NOTFOUND; ENDED: all members have ended; FORMAT.
local refused = check() or absent(id)
if refused then return refused end
if call('HGET', flow, 'st') == 'ended' then return redis.error_reply('ENDED flow ' .. id .. ' has ended') end
cancel(id, clock(), why)
return describe()
