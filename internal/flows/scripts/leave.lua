#!lua flags=allow-oom
-- leave takes back that a flow is a member of a batch, of which nothing has been heard: it could not be made.
-- A repeat changes nothing.
--
-- KEYS outbox ops timers index living meta steps flow
-- ARGV id made source
-- Returns how many ops wait in the shard.
-- Errors NOTFOUND; FORMAT.
local refused = check() or absent(id) or replaced(id, made)
if refused then return refused end
if call('HGET', flow, 'r/' .. source) == '0|1|0|0|0' then
  call('HDEL', flow, 'r/' .. source, 'j/' .. source)
  call('HINCRBY', flow, 'sources', -1)
  call('HINCRBY', flow, 'a', -1)
  conclude(id)
end
return call('ZCARD', outbox)
