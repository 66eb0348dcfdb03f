#!lua flags=no-writes
-- child gives what the batch of which a flow is a member is to know of it.
--
-- KEYS flow
-- ARGV id parent
--   parent: as the prelude has it.
-- Returns the row; '' if there is no such flow, or it is no member of that.
local f = call('HMGET', flow, 'parent', 'told', 'row')
if f[1] ~= parent then return '' end
local ENDED = {q = '0|0|0', c = '1|0|0', d = '0|1|0', x = '0|0|1'}
return f[3] .. '|1|' .. ENDED[f[2]]
