#!lua flags=allow-oom
-- rescue takes the jobs of dead leases back: one bounded step of a pass over what
-- is running.
--
-- The first step (cursor 0) condemns each lease that still has the score under
-- which it was watched: from then on it claims, finishes and renews nothing. The
-- next steps take the cursor and the condemned leases that the step before gave.
-- Only the last step, when a whole pass is done, removes them. Steps may be
-- repeated, left off in the middle, and run by several workers at once.
--
-- A rescue costs no attempt. A job that was rescued twice becomes a suspect, and
-- at the third time it is discarded: it is probably what kills its workers.
--
-- KEYS jobs ready running leases turns counts errors suspects cancels archive completed cancelled discarded seen bell meta stats
-- ARGV cursor limit ...
--   limit: entries to look at; then leases, each with its score.
-- Returns {cursor, condemned, rescued, poisoned}: condemned are pairs of a lease and
--   0; cursor '0' means the pass is done.
local refused, paused = check()
if refused then return refused end
local now = clock()
local condemned = {}
for i = rest, #ARGV, 2 do
  local lease, score = ARGV[i], call('ZSCORE', leases, ARGV[i])
  if score and cursor == '0' and score == ARGV[i + 1] and tonumber(score) > 0 then
    call('ZADD', leases, 0, lease)
    score = '0'
  end
  if score and tonumber(score) == 0 then
    condemned[#condemned + 1] = lease
    condemned[#condemned + 1] = '0'
  end
end

-- A token whose lease is gone altogether is rescued too: nobody else would.
local alive = {}
local function lives(lease)
  if alive[lease] == nil then
    alive[lease] = tonumber(call('ZSCORE', leases, lease) or 0) > 0
  end
  return alive[lease]
end

local rescued, poisoned = 0, 0
local function take_back(id)
  local failed, before = tally(id)
  call('HDEL', running, id)
  if call('HEXISTS', cancels, id) == 1 then
    finish(id, 'cancelled', now, '', '')
    return
  end
  set_tally(id, failed, before + 1)
  rescued = rescued + 1
  if before >= SUSPECT then
    finish(id, 'discarded', now, '', reason(failed + 1, now,
      'poisoned: ' .. (before + 1) .. ' workers died or lost their lease while they ran it'))
    poisoned = poisoned + 1
  else
    available('RPUSH', {id})
  end
end

local step = call('HSCAN', running, cursor, 'COUNT', limit)
local entries = step[2]
for i = 1, #entries, 2 do
  local id, token = entries[i], entries[i + 1]
  if id ~= '' and not lives(string.match(token, '^(.*):')) then
    take_back(id)
  end
end
if rescued > 0 then
  call('HINCRBY', stats, 'rescued', rescued)
  if poisoned > 0 then call('HINCRBY', stats, 'poisoned', poisoned) end
  if not paused then ring() end
end
if step[1] == '0' then
  for i = 1, #condemned, 2 do
    if call('ZSCORE', leases, condemned[i]) == '0' then
      call('ZREM', leases, condemned[i])
      call('HDEL', turns, condemned[i])
    end
  end
  shut(turns)
end
return {step[1], condemned, rescued, poisoned}
