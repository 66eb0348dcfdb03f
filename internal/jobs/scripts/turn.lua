#!lua flags=allow-oom
-- turn is the worker's hot call: it finishes jobs, promotes what is due and
-- claims the next ones, in one atomic step.
--
-- A repeat of a lease's last turn does nothing and gets the same answer: the same
-- rejects, and of the same claims those that are still held. After a lost reply
-- the worker repeats the turn before anything else on that lease. A finish counts
-- only if running still holds the token of its claim.
--
-- KEYS jobs ready scheduled running leases turns counts errors suspects stale cancels archive completed cancelled discarded seen bell meta stats route lanes parked
-- ARGV lease seq epoch want bytes suspect nlanes noks nothers ...
--   epoch: what the lease's first claims were given, 0 before them, when the lease
--   joins. A late copy of that turn may join once more, under an epoch that nobody
--   goes on with: its claims are rescued like those of the dead. want: jobs to claim, of at most
--   bytes in all; suspect 1 if the worker may take one. Then nlanes lanes to claim
--   from first; noks groups of jobs that completed and leave nothing behind, each
--   its claim's seq, their number and the ids; nothers others, each id, claim's
--   seq, outcome, delay_ms, detail, error. Outcomes: complete (detail: the
--   result), fail, exhaust, cancel, snooze, release, divert (detail: the lane).
-- Returns {now_ms, next_due_ms or '', left, rejects, ids, envelopes, counts,
--   cancels, lanes, epoch}: left is how many more could be claimed; counts are "failed,rescued"
--   or ''.
-- Errors LEASELOST, STALE, FORMAT: nothing was done.
local refused, paused, large = check()
if refused then return refused end
local now = clock()
want, bytes = tonumber(want), tonumber(bytes)
local may = suspect -- what is left of it once a suspect is taken is suspect
nlanes, noks, nothers = tonumber(nlanes), tonumber(noks), tonumber(nothers)
local row = call('HGET', turns, lease)

-- Lists are kept in a row by length-prefixed strings, or by one length for all.
local function pack(list)
  local size = #list > 0 and #list[1] or 0
  for i = 2, #list do
    if #list[i] ~= size then size = 0 break end
  end
  if size > 0 or #list == 0 then
    return #list .. '|' .. size .. '|' .. table.concat(list)
  end
  local parts = {}
  for i = 1, #list do
    parts[2 * i - 1] = string.char(#list[i])
    parts[2 * i] = list[i]
  end
  return #list .. '|0|' .. table.concat(parts)
end

local function unpacked(s, pos)
  local n, size, at = string.match(s, '^(%d+)|(%d+)|()', pos)
  n, size = tonumber(n), tonumber(size)
  local list = {}
  for i = 1, n do
    local length = size
    if size == 0 then
      length = string.byte(s, at)
      at = at + 1
    end
    list[i] = string.sub(s, at, at + length - 1)
    at = at + length
  end
  return list, at
end

local function reply(rejects, ids, envelopes, given)
  local tallies, marks, waiting = {}, {}, {}
  if call('EXISTS', counts, cancels, lanes) > 0 then
    if #ids > 0 then
      tallies = call('HMGET', counts, unpack(ids))
      for i = 1, #ids do tallies[i] = tallies[i] or '' end
    end
    marks = call('HRANDFIELD', cancels, 1000)
    waiting = call('ZRANGE', lanes, 0, 99)
  end
  local due = call('ZRANGE', scheduled, 0, 0, 'WITHSCORES')
  return {now, due[2] or '', paused and 0 or call('LLEN', ready), rejects, ids, envelopes, tallies, marks, waiting,
    given}
end

if row then
  local last, given, pos = string.match(row, '^(%d+)|(%d+)|()')
  if epoch ~= '0' and epoch ~= given then
    return redis.error_reply('LEASELOST the lease was joined anew')
  elseif tonumber(seq) < tonumber(last) then
    return redis.error_reply('STALE the lease has gone on to ' .. last)
  elseif seq == last then
    local rejects, next = unpacked(row, pos)
    local held, ids, envelopes = unpacked(row, next), {}, {}
    if #held > 0 then
      local tokens = call('HMGET', running, unpack(held))
      for i = 1, #held do
        if tokens[i] == lease .. ':' .. seq then ids[#ids + 1] = held[i] end
      end
      if #ids > 0 then envelopes = call('HMGET', jobs, unpack(ids)) end
    end
    return reply(rejects, ids, envelopes, given)
  end
end
local score = call('ZSCORE', leases, lease)
if epoch == '0' then
  if row or score then
    return redis.error_reply('LEASELOST a lease of that name has been')
  end
elseif not score or tonumber(score) <= 0 then
  return redis.error_reply('LEASELOST the lease is condemned or gone')
end

-- 1. finish
local rejects, at = {}, rest + nlanes
for _ = 1, noks do
  local token, n = lease .. ':' .. ARGV[at], tonumber(ARGV[at + 1])
  local ids = {}
  for i = 1, n do ids[i] = ARGV[at + 1 + i] end
  at = at + 2 + n
  local tokens, ok = call('HMGET', running, unpack(ids)), {}
  for i = 1, n do
    if tokens[i] == token then ok[#ok + 1] = ids[i] else rejects[#rejects + 1] = ids[i] end
  end
  if #ok > 0 then
    call('HINCRBY', stats, 'completed', call('HDEL', running, unpack(ok)))
    call('HDEL', jobs, unpack(ok))
    forget(ok)
  end
end

local outcomes = {
  complete = function(id, _, detail, err) finish(id, 'completed', now, detail, err) end,
  exhaust = function(id, _, detail, err)
    local failed, rescued = tally(id)
    set_tally(id, failed + 1, rescued)
    finish(id, 'discarded', now, detail, err)
  end,
  cancel = function(id, _, detail, err) finish(id, 'cancelled', now, detail, err) end,
  fail = function(id, delay, _, err)
    local failed, rescued = tally(id)
    set_tally(id, failed + 1, rescued)
    call('HSET', errors, id, with_error(call('HGET', errors, id) or '', err))
    call('ZADD', scheduled, now + delay, id)
    call('HINCRBY', stats, 'failed', 1)
    call('HINCRBY', stats, 'retryable', 1)
  end,
  snooze = function(id, delay)
    call('ZADD', scheduled, now + delay, id)
    call('HINCRBY', stats, 'snoozed', 1)
    if tally(id) > 0 then call('HINCRBY', stats, 'retryable', 1) end
  end,
  release = function(id)
    available('RPUSH', {id})
    call('HINCRBY', stats, 'released', 1)
  end,
  divert = function(id, _, lane)
    local slot = lane .. '/' .. string.format('%016d', call('HINCRBY', meta, 'parked', 1))
    call('HSET', route, id, slot)
    call('ZADD', parked, 0, slot .. '/' .. id)
    call('ZINCRBY', lanes, 1, lane)
    call('HINCRBY', stats, 'diverted', 1)
  end,
}
for _ = 1, nothers do
  local id, claim, outcome, delay, detail, err = unpack(ARGV, at, at + 5)
  at = at + 6
  if call('HGET', running, id) ~= lease .. ':' .. claim then
    rejects[#rejects + 1] = id
  else
    call('HDEL', running, id)
    if outcome ~= 'complete' and call('HEXISTS', cancels, id) == 1 then
      outcome, detail = 'cancel', ''
    end
    outcomes[outcome](id, tonumber(delay), detail, err)
  end
end

-- 2. promote
local due = call('ZRANGEBYSCORE', scheduled, '-inf', now, 'LIMIT', 0, math.max(want, 100))
if #due > 0 then
  unschedule(due)
  available('LPUSH', due)
end

-- 3. claim
local ids, envelopes, room = {}, {}, bytes

-- take claims one job if there is room for its envelope.
local function take(id)
  if large then
    local size = call('HSTRLEN', jobs, id)
    if #ids > 0 and size > room then return false end
    room = room - size
  end
  ids[#ids + 1] = id
  return true
end

-- dead reports whether an entry of ready was left behind by a cancel, and counts
-- it down.
local function dead(id)
  local n = tonumber(call('HGET', stale, id) or 0)
  if n > 1 then
    call('HINCRBY', stale, id, -1)
  elseif n == 1 then
    call('HDEL', stale, id)
  end
  return n > 0
end

local function claim_lane(lane)
  local slots = call('ZRANGEBYLEX', parked, '[' .. lane .. '/', '(' .. lane .. '0', 'LIMIT', 0, want - #ids)
  for i = 1, #slots do
    local id = string.match(slots[i], '^[^/]*/%d+/(.*)$')
    local _, rescued = tally(id)
    if rescued >= SUSPECT and suspect ~= '1' then return end
    if not take(id) then return end
    if rescued >= SUSPECT then suspect = '0' end
    unpark(id)
  end
end

-- claim_ready pops until there are enough, passing over the dead, but never more of
-- them than a call may cost.
local function claim_ready()
  local room_for_dead = 1000
  repeat
    local popped = call('RPOP', ready, want - #ids) or {}
    if not large and call('EXISTS', stale) == 0 then
      for i = 1, #popped do ids[#ids + 1] = popped[i] end
      return
    end
    for i = 1, #popped do
      if not dead(popped[i]) and not take(popped[i]) then
        for k = #popped, i, -1 do call('RPUSH', ready, popped[k]) end
        return
      end
    end
    room_for_dead = room_for_dead - #popped
  until #popped == 0 or #ids >= want or room_for_dead <= 0
end

if want > 0 and not paused then
  if suspect == '1' then
    local id = call('RPOP', suspects)
    if id and take(id) then suspect = '0' end
  end
  for i = 1, nlanes do
    if #ids < want then claim_lane(ARGV[rest + i - 1]) end
  end
  if #ids < want then claim_ready() end
end

-- quarantine sets aside the ids whose envelopes are missing: they say nothing of
-- what there was to do, but an operator should see them.
local function quarantine()
  local whole, there = {}, {}
  for i = 1, #ids do
    if envelopes[i] then
      whole[#whole + 1], there[#there + 1] = ids[i], envelopes[i]
    else
      finish(ids[i], 'discarded', now, '', reason(0, now, 'quarantined: its envelope is missing'))
      call('HINCRBY', stats, 'quarantined', 1)
    end
  end
  ids, envelopes = whole, there
end

if #ids > 0 then
  envelopes = call('HMGET', jobs, unpack(ids))
  for i = 1, #ids do
    if not envelopes[i] then quarantine() break end
  end
end
if #ids > 0 then
  local held, token = {}, lease .. ':' .. seq
  for i = 1, #ids do
    held[2 * i - 1] = ids[i]
    held[2 * i] = token
  end
  open(running)
  call('HSET', running, unpack(held))
end

-- 4. leave a trace, unless there is none to leave
if epoch == '0' and #ids > 0 then
  epoch = tostring(call('HINCRBY', meta, 'joins', 1))
end
if epoch ~= '0' then
  call('ZADD', leases, now, lease)
  open(turns)
  call('HSET', turns, lease, seq .. '|' .. epoch .. '|' .. pack(rejects) .. pack(ids))
end
-- Of suspects only a worker that could take one speaks: the others would wake each
-- other for nothing.
if not paused and (call('EXISTS', ready) == 1 or (may == '1' and call('EXISTS', suspects) == 1)) then
  ring()
end
return reply(rejects, ids, envelopes, epoch)
