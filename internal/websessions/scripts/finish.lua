#!lua flags=allow-oom
-- finish ends a session, or all of a user. A repeat changes nothing.
--
-- KEYS sessions ends owners
-- ARGV id user
--   id: '' for all of the user.
-- Returns how many there were at most.
if id ~= '' then
  remove(id)
  return 1
end
local mine = {}
for other in string.gmatch(call('HGET', owners, user) or '', '%w+') do mine[#mine + 1] = other end
for _, other in ipairs(mine) do remove(other) end
return #mine
