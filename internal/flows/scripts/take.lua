#!lua flags=no-writes
-- take reads ops from the outbox, by partition, the oldest of each first. It takes nothing out:
-- ack does.
--
-- KEYS outbox ops
-- ARGV after limit bytes
--   after: the last one that was read, '' to begin; bytes: of what is to be done, but for the
--   first.
-- Returns a list: for each op its entry, what ops has of it, and the number of the first op for
--   its partition.
local from = after == '' and '-' or '(' .. after
local found, first, to_before, bytes_left = {}, nil, nil, tonumber(bytes)
for _, entry in ipairs(call('ZRANGEBYLEX', outbox, from, '+', 'LIMIT', 0, limit)) do
  local to, n = string.match(entry, '^(.*)/(%d+)$')
  if to ~= to_before then
    to_before, first = to, string.match(call('ZRANGEBYLEX', outbox, '[' .. to .. '/', '+', 'LIMIT', 0, 1)[1], '(%d+)$')
  end
  local op = call('HGET', ops, entry) or ''
  bytes_left = bytes_left - #op
  if #found > 0 and bytes_left < 0 then break end
  found[#found + 1] = entry
  found[#found + 1] = op
  found[#found + 1] = first
end
return found
