#!lua flags=allow-oom
-- ack takes ops of a flow out of the outbox that were done, and takes in the rows that their partitions have
-- since. A repeat changes nothing.
--
-- KEYS outbox ops timers index living meta steps flow
-- ARGV id ...
--   then for each op its entry, and its row: as in ends, '' for none, gone where the queue is.
-- Returns how many ops wait in the shard.
-- Errors FORMAT.
local refused = check()
if refused then return refused end
local lives, some = call('EXISTS', flow) == 1, false

local function take_out(entry, row)
  if call('ZREM', outbox, entry) == 1 then
    local op, to = call('HGET', ops, entry) or '', string.match(entry, '^(.*)/%d+$')
    local sort = string.sub(op, 1, 1)
    call('HDEL', ops, entry)
    if not lives then return end
    some = true
    call('HINCRBY', flow, 'ops', -1)
    if WAITS[sort] then call('HINCRBY', flow, 'pend', -1) end
    if sort == 'r' or sort == 'u' then
      local i, gen = string.match(op, '^%a|%d+|%d+|[^|]*|(%d+)%.(%d+)')
      acked(id, sort, to, step_at(tonumber(i)), tonumber(gen), row)
    elseif row ~= '' then
      take_row(to, row)
    end
    if sort == 'g' and call('HEXISTS', flow, 'cancelled') == 1 then send(id, to, 'x', '') end -- they came after it
  end
end

for i = rest, #ARGV, 2 do take_out(ARGV[i], ARGV[i + 1]) end
if some then conclude(id) end
return call('ZCARD', outbox)
