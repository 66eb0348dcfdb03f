#!lua flags=allow-oom
-- tick does for one flow what its time has come for: an abandoned batch is closed, one over its
-- deadline cancelled, one whose retention is over dropped; a signal that has not come is waited for
-- no more; and partitions with members left are asked again. A repeat does what is due then.
--
-- KEYS outbox ops timers index living meta steps flow
-- ARGV id
-- Returns how many ops wait in the shard.
-- Errors FORMAT.
local refused = check()
if refused then return refused end
if call('EXISTS', flow) == 0 then
  call('ZREM', timers, id)
  call('ZREM', living, id)
  return call('ZCARD', outbox)
end
local now = clock()
local due = tonumber(call('ZSCORE', timers, id) or 0)
if due > now then return call('ZCARD', outbox) end
local f = call('HMGET', flow, 'st', 'open', 'deadline', 'cancelled', 'dag', 'frozen')
local st, again = f[1], nil
if f[6] then
  again = now + SOON -- a retry goes over it
elseif st == 'open' and tonumber(f[2]) <= now then
  call('HSET', flow, 'abandoned', 1)
  close(id, now)
elseif (st == 'open' or st == 'closing') and f[3] and not f[4] and tonumber(f[3]) <= now then
  cancel(id, now, 'deadline')
elseif f[5] and st == 'closing' then
  again = audit(id, now)
elseif st == 'closing' then
  for _, source in ipairs(sources_of()) do
    local row = row_at(source)
    if row[2] > row[3] + row[4] + row[5] then send(id, source, 't', call('HGET', flow, 'j/' .. source) or '') end
  end
elseif st == 'ended' or st == 'draft' then
  call('HSET', flow, 'st', 'dropping')
  for _, source in ipairs(sources_of()) do send(id, source, 'f', '') end
  if f[5] then
    todo = {'d|0||'}
    run_todo(id, now)
  end
  conclude(id)
end
if call('EXISTS', flow) == 1 then
  set_timer(id, now)
  if again then call('ZADD', timers, string.format('%.0f', again), id) end
end
return call('ZCARD', outbox)
