#!lua flags=allow-oom
-- close has a batch take no more members from outside. A repeat changes nothing.
--
-- KEYS outbox ops timers index living meta steps flow
-- ARGV id
-- Returns the fields.
-- Errors NOTFOUND; FORMAT.
local refused = check() or absent(id)
if refused then return refused end
close(id, clock())
return describe()
