#!lua flags=allow-oom
-- append adds a record to one of two streams, and drops its oldest.
--
-- KEYS changes refusals
-- ARGV refused text most
--   refused: 1 for the stream of refusals, which strangers can fill; 0 for that of changes,
--   which they cannot push out then.
-- Returns the ID of the record.
local stream = refused == '1' and refusals or changes
return call('XADD', stream, 'MAXLEN', '~', most, '*', 'record', text)
