#!lua flags=allow-oom
-- ends takes in rows of one partition about one flow. Older ones change nothing.
--
-- KEYS outbox ops timers index meta steps flow
-- ARGV id made source row
--   made: the ms when the batch was; row: "n|stored|completed|discarded|cancelled".
-- Returns how many ops wait in the shard, -1 if there is no such flow.
-- Errors FORMAT.
local refused = check()
if refused then return refused end
if call('HGET', flow, 'created') ~= made then return -1 end
take_row(source, row)
conclude(id)
return call('ZCARD', outbox)
