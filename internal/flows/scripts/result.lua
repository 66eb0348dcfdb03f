#!lua flags=no-writes
-- result reads the result of a step.
--
-- KEYS steps flow
-- ARGV id made name
--   made: the ms when the flow was.
-- Returns {state, result}: the state as the prelude has it, '' if there is no such step; the
--   result '' for none, ! for one that was dropped, since all of the flow have too many bytes.
-- Errors NOTFOUND; ENDED: there is a new one of that ID.
local refused = absent(id) or replaced(id, made)
if refused then return refused end
local i = call('HGET', steps, 'n:' .. name)
local s = i and step_at(i)
return {s and s.st or '', i and call('HGET', steps, 'v' .. i) or ''}
