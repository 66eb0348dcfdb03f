#!lua flags=allow-oom
-- ends takes in rows of one partition about one flow. Older ones change nothing.
--
-- KEYS outbox ops timers index living meta steps flow
-- ARGV id made source row
--   made: the ms when the batch was; row: "n|stored|completed|discarded|cancelled".
-- Returns how many ops wait in the shard, -1 if there is no such flow, or it is being forgotten.
-- Errors FORMAT.
local refused = check()
if refused then return refused end
local f = call('HMGET', flow, 'created', 'st')
if f[1] ~= made or f[2] == 'dropping' then return -1 end -- also where its partition has forgotten it before
take_row(source, row)
conclude(id)
return call('ZCARD', outbox)
