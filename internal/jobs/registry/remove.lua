#!lua flags=allow-oom
-- remove takes queues out of the registry and notes when, so that no process that
-- knows them takes them for forgotten. A repeat notes it again.
--
-- KEYS queues
-- ARGV ...
--   the names.
-- Returns OK.
local t = call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local last = tonumber(call('HGET', queues, '') or 0)
call('HSET', queues, '', string.format('%.0f', math.max(now, last + 1)))
call('HDEL', queues, unpack(ARGV))
return 'OK'
