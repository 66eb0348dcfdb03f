#!lua flags=no-writes
-- graph reads steps of a flow.
--
-- KEYS steps flow
-- ARGV id made from limit
--   made: the ms when the flow was.
-- Returns {sigs, ...}: sigs as the prelude has it; then for each step s, l, p and g.
-- Errors NOTFOUND; ENDED: there is a new one of that ID.
local refused = absent(id) or replaced(id, made)
if refused then return refused end
local f = call('HMGET', flow, 'sigs', 'a')
local found = {f[1] or ''}
for i = tonumber(from), math.min(from + limit, tonumber(f[2] or 0)) - 1 do
  for _, value in ipairs(call('HMGET', steps, 's' .. i, 'l' .. i, 'p' .. i, 'g' .. i)) do found[#found + 1] = value or '' end
end
return found
