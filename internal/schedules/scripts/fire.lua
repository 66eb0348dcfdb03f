#!lua flags=allow-oom
-- fire moves schedules on to their next tick and puts the ticks that are to be
-- enqueued into the outbox, each schedule only if nothing about it has changed
-- since it was looked at. So a tick is put there once, by whoever comes first; a
-- repeat finds the schedules moved on and does nothing. It works beside a full
-- memory, so that queues on other nodes get their ticks: a leader fires nothing more
-- into a queue that takes none, so what this adds is little.
--
-- KEYS next declarations last outbox history meta
-- ARGV term ...
--   for each schedule: id, the tick_ms and the declaration's revision that were
--   looked at, next_ms ('' for never again), the last tick_ms that is decided now,
--   a line for the history or '', the number of ticks, and for each its tick_ms
--   and its entry.
-- Returns a character a schedule: 1 moved on, 0 it has changed.
-- Errors TERM, FORMAT.
local refused = lead(term)
if refused then return refused end
local said = {}
local i = rest
while i <= #ARGV do
  local id, tick, revision, after, decided, line, n = unpack(ARGV, i, i + 6)
  i = i + 7
  local stop = i + 2 * n
  local due = call('ZSCORE', next, id)
  if due and tonumber(due) == tonumber(tick) and (part(call('HGET', declarations, id)) or '') == revision then
    if after == '' then
      call('ZREM', next, id)
    else
      call('ZADD', next, after, id)
    end
    if decided ~= '' then call('HSET', last, id, decided) end
    if line ~= '' then note(id, line) end
    for j = i, stop - 1, 2 do
      call('ZADD', outbox, ARGV[j], ARGV[j + 1])
    end
    said[#said + 1] = '1'
  else
    said[#said + 1] = '0'
  end
  i = stop
end
return table.concat(said)
