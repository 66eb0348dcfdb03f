#!lua flags=allow-oom
-- alive says that the process lives whose lease was condemned: it was frozen, or cut off.
-- What it held was no reason for a death: earlier ones are forgotten too. A job that no
-- rescue has taken back yet is taken back. A repeat changes nothing.
--
-- KEYS jobs ready running leases counts errors suspects cancels expiry bell meta stats route lanes parked gates blocked
-- ARGV lease ...
--   then the ids of the jobs that it held, at most 250.
-- Returns how many jobs were cleared.
-- Errors ALIVE: the lease is not condemned; FORMAT.
local refused, paused = check()
if refused then return refused end
if tonumber(call('ZSCORE', leases, lease) or 0) > 0 then
  return redis.error_reply('ALIVE the lease is not condemned')
end
local cleared, back = 0, 0
for i = rest, #ARGV do
  local id = ARGV[i]
  local b = blame(id)
  if string.match(call('HGET', running, id) or '', '^(.*):') == lease then
    if call('HEXISTS', cancels, id) == 0 then -- otherwise a rescue ends it
      leave_limits('rescue', {id}, 1, 1, 0)
      leave_running('rescue', {id})
      clear(id)
      available('RPUSH', {id})
      cleared, back = cleared + 1, back + 1
    end
  elseif b.lease == lease and id ~= '' and call('HEXISTS', jobs, id) == 1 then
    clear(id)
    cleared = cleared + 1
    if call('LREM', suspects, 1, id) == 1 then
      available('RPUSH', {id})
    end
  end
end
if back > 0 then call('HINCRBY', stats, 'rescued', back) end
if cleared > 0 then ring(paused) end
return cleared
