#!lua flags=allow-oom
-- stop notes that an action is to end, for whoever runs it. A repeat changes nothing.
--
-- KEYS open stops
-- ARGV id by
-- Returns OK.
-- Errors NOTFOUND: there is none, or it has ended.
if not call('ZSCORE', open, id) then return redis.error_reply('NOTFOUND no such action runs') end
call('HSETNX', stops, id, by)
return 'OK'
