#!lua flags=allow-oom
-- pause stops the ticks of a schedule. What is in the outbox already is enqueued.
-- A repeat keeps the time of the first pause.
--
-- KEYS declarations next paused meta
-- ARGV id
-- Returns OK.
-- Errors NOTFOUND, FORMAT.
local refused = check()
if refused then return refused end
if call('HEXISTS', declarations, id) == 0 then
  return redis.error_reply('NOTFOUND schedule ' .. id)
end
call('HSETNX', paused, id, clock())
call('ZREM', next, id)
return 'OK'
