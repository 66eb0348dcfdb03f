#!lua flags=allow-oom
-- ack takes an op out of the outbox that was done, and takes in the row that its partition has
-- since. A repeat changes nothing.
--
-- KEYS outbox ops timers index living meta steps flow
-- ARGV id entry row
--   row: as in ends, '' for none, gone where the queue is.
-- Returns how many ops wait in the shard.
-- Errors FORMAT.
local refused = check()
if refused then return refused end
if call('ZREM', outbox, entry) == 1 then
  local op, to = call('HGET', ops, entry) or '', string.match(entry, '^(.*)/%d+$')
  local sort = string.sub(op, 1, 1)
  call('HDEL', ops, entry)
  if call('EXISTS', flow) == 1 then
    call('HINCRBY', flow, 'ops', -1)
    if WAITS[sort] then call('HINCRBY', flow, 'pend', -1) end
    if sort == 'r' or sort == 'u' then
      local i, gen = string.match(op, '^%a|%d+|%d+|[^|]*|(%d+)%.(%d+)')
      acked(id, sort, to, step_at(tonumber(i)), tonumber(gen), row)
    elseif row ~= '' then
      take_row(to, row)
    end
    if sort == 'g' and call('HEXISTS', flow, 'cancelled') == 1 then send(id, to, 'x', '') end -- they came after it
    conclude(id)
  end
end
return call('ZCARD', outbox)
