#!lua flags=no-writes
-- summary gives the size of every state and the totals, at a cost that does not
-- grow with the queue.
--
-- KEYS jobs ready scheduled running leases suspects completed cancelled discarded meta stats parked
-- Returns {now_ms, paused, live, suspects, parked, scheduled, running, leases,
--   completed, cancelled, discarded, oldest, totals}: scheduled includes the
--   retryable, whose number is among the totals (stats as HGETALL gives it);
--   oldest is the envelope of the job next in line, '' if there is none.
-- size is that of a hash without the filler.
local function size(hash)
  return math.max(call('HLEN', hash) - 1, 0)
end
local next = call('LINDEX', ready, -1)
return {clock(), call('HGET', meta, 'paused') or '', size(jobs), call('LLEN', suspects),
  call('ZCARD', parked), call('ZCARD', scheduled), size(running), call('ZCARD', leases),
  call('ZCARD', completed), call('ZCARD', cancelled), call('ZCARD', discarded),
  next and call('HGET', jobs, next) or '', call('HGETALL', stats)}
