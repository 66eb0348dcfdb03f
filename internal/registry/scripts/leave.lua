#!lua flags=allow-oom
-- leave takes out a worker that has stopped. A repeat does nothing.
--
-- KEYS workers seen
-- ARGV id
-- Returns OK.
call('HDEL', workers, id)
call('ZREM', seen, id)
return 'OK'
