#!lua flags=no-writes
-- log reads the log of a job.
--
-- KEYS jobs archive reports
-- ARGV id
-- Returns {state, log}: state live, ended or unknown; the log as report writes it, '' if there
--   is none.
local state = 'unknown'
if call('HEXISTS', jobs, id) == 1 then state = 'live' elseif call('HEXISTS', archive, id) == 1 then state = 'ended' end
return {state, call('HGET', reports, 'l' .. id) or ''}
