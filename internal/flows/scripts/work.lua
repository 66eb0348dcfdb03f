#!lua flags=allow-oom
-- work goes on with what one call was too short for. A repeat finds nothing to do.
--
-- KEYS outbox ops timers index living meta steps flow
-- ARGV id entry
--   entry: of the op that has it.
-- Returns how many ops wait in the shard.
-- Errors FORMAT.
local refused = check()
if refused then return refused end
if call('ZREM', outbox, entry) == 1 then
  local op = call('HGET', ops, entry) or ''
  call('HDEL', ops, entry)
  if call('EXISTS', flow) == 1 then
    call('HINCRBY', flow, 'ops', -1)
    call('HINCRBY', flow, 'pend', -1)
    for item in string.gmatch(string.match(op, '^%a|%d+|%d+|[^|]*|(.*)$'), '[^;]+') do todo[#todo + 1] = item end
    run_todo(id, clock())
    conclude(id)
  end
end
return call('ZCARD', outbox)
