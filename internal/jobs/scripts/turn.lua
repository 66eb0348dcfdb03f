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
-- ARGV lease seq epoch want bytes suspect nlanes nplain ngroups nothers ...
--   epoch: what the lease's first claims were given, 0 before them, when the lease
--   joins. A late copy of that turn may join once more, under an epoch that nobody
--   goes on with: its claims are rescued like those of the dead. want: jobs to claim, of at most
--   bytes in all; suspect 1 if the worker may take one. Then nlanes lanes to claim
--   from first; the ids of nplain jobs that completed and leave nothing behind, and
--   the ngroups of their claims, each a seq and how many of the ids are of it;
--   nothers others, each id, claim's seq, outcome, delay_ms, detail, error.
--   Outcomes: complete (detail: the result), fail, exhaust, cancel, snooze,
--   release, divert (detail: the lane).
-- Returns {now_ms, next_due_ms or '', left, epoch, rejects, ids, envelopes} and, where
--   some jobs are not plain, counts, cancels, lanes: left is how many more could be
--   claimed; rejects and ids are packed, see pack; counts are "failed,rescued" or ''.
-- Errors LEASELOST, STALE, FORMAT: nothing was done.
local refused, paused, large = check()
if refused then return refused end
local now = clock()
want, bytes = tonumber(want), tonumber(bytes)
local may = suspect -- what is left of it once a suspect is taken is suspect
nlanes, nplain, ngroups, nothers = tonumber(nlanes), tonumber(nplain), tonumber(ngroups), tonumber(nothers)
local row = call('HGET', turns, lease)
-- Where this is false, no job is anything but plain: there is nothing to look up.
local odd = nothers > 0 or call('EXISTS', counts, cancels, lanes, stale, suspects) > 0

-- pack makes one string of a list of ids: how many, the length of each or 0 if they
-- differ, and the ids, in the latter case each with its length before it.
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

-- reply makes the answer: what could be claimed, when the next job is due, and what
-- was done.
local function reply(left, due, epoch, rejects, ids, packed, envelopes)
  if not odd then
    return {now, due or '', left, epoch, rejects, packed, envelopes}
  end
  local tallies = {}
  if #ids > 0 and call('EXISTS', counts) == 1 then
    tallies = call('HMGET', counts, unpack(ids))
    for i = 1, #ids do tallies[i] = tallies[i] or '' end
  end
  local marks, waiting = call('HRANDFIELD', cancels, 1000), call('ZRANGE', lanes, 0, 99)
  return {now, due or '', left, epoch, rejects, packed, envelopes, tallies, marks, waiting}
end

local function in_line()
  return paused and 0 or call('LLEN', ready)
end

local function next_due()
  return call('ZRANGE', scheduled, '0', '0', 'WITHSCORES')[2]
end

if row then
  local last, given, pos = string.match(row, '^(%d+)|(%d+)|()')
  if epoch ~= '0' and epoch ~= given then
    return redis.error_reply('LEASELOST the lease was joined anew')
  elseif tonumber(seq) < tonumber(last) then
    return redis.error_reply('STALE the lease has gone on to ' .. last)
  elseif epoch ~= '0' and tonumber(seq) > tonumber(last) + 1 then
    -- Redis has lost turns of this lease, and with them finishes: what it still
    -- holds under it is for a rescue to take back.
    call('ZADD', leases, 0, lease)
    return redis.error_reply('LEASELOST turns ' .. last + 1 .. ' to ' .. seq - 1 .. ' are unknown')
  elseif seq == last then
    local function unpacked(at)
      local n, size, first = string.match(row, '^(%d+)|(%d+)|()', at)
      local list = {}
      at, size = first, tonumber(size)
      for i = 1, tonumber(n) do
        local length = size
        if size == 0 then
          length = string.byte(row, at)
          at = at + 1
        end
        list[i] = string.sub(row, at, at + length - 1)
        at = at + length
      end
      return list, at
    end
    local rejects, next = unpacked(pos)
    local held, ids, envelopes = unpacked(next), {}, {}
    if #held > 0 then
      local tokens = call('HMGET', running, unpack(held))
      for i = 1, #held do
        if tokens[i] == lease .. ':' .. seq then ids[#ids + 1] = held[i] end
      end
      if #ids > 0 then envelopes = call('HMGET', jobs, unpack(ids)) end
    end
    return reply(in_line(), next_due(), given, pack(rejects), ids, pack(ids), envelopes)
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
if nplain > 0 then
  local ok, first, last, group = ARGV, at, at + nplain - 1, at + nplain
  local tokens, n, lost = call('HMGET', running, unpack(ARGV, first, last)), 0, {}
  for _ = 1, ngroups do
    local token, till = lease .. ':' .. ARGV[group], n + ARGV[group + 1]
    for i = n + 1, till do
      if tokens[i] ~= token then
        rejects[#rejects + 1] = ARGV[at + i - 1]
        lost[i] = true
      end
    end
    n, group = till, group + 2
  end
  if #rejects > 0 then
    ok = {}
    for i = 1, nplain do
      if not lost[i] then ok[#ok + 1] = ARGV[at + i - 1] end
    end
    first, last = 1, #ok
  end
  at = group
  if last >= first then
    call('HINCRBY', stats, 'completed', call('HDEL', running, unpack(ok, first, last)))
    call('HDEL', jobs, unpack(ok, first, last))
    if odd then
      -- PRELUDE
      forget({unpack(ok, first, last)})
    end
  end
end

if nothers > 0 then
  -- PRELUDE
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
end

-- 2. promote
local due = next_due()
if due and tonumber(due) <= now then
  -- PRELUDE
  local ids = call('ZRANGEBYSCORE', scheduled, '-inf', now, 'LIMIT', 0, math.max(want, 100))
  unschedule(ids)
  available('LPUSH', ids)
  due = next_due()
end

-- 3. claim
local ids, envelopes, room = {}, {}, bytes
if want > 0 and not paused then
  if odd or large then
    -- PRELUDE
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

    -- claim_odd claims where some jobs are not plain: a suspect, and from lanes.
    local function claim_odd()
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
      if suspect == '1' then
        local id = call('RPOP', suspects)
        if id and take(id) then suspect = '0' end
      end
      for i = rest, rest + nlanes - 1 do
        if #ids < want then claim_lane(ARGV[i]) end
      end
    end

    -- claim_singly pops until there are enough, passing over the entries that a cancel
    -- left behind, but never more of them than a call may cost.
    local function claim_singly()
      local room_for_dead = 1000
      repeat
        local popped = call('RPOP', ready, want - #ids) or {}
        for i = 1, #popped do
          local id = popped[i]
          local dead = tonumber(call('HGET', stale, id) or 0)
          if dead > 1 then
            call('HINCRBY', stale, id, -1)
          elseif dead == 1 then
            call('HDEL', stale, id)
          elseif not take(id) then
            for k = #popped, i, -1 do call('RPUSH', ready, popped[k]) end
            return
          end
        end
        room_for_dead = room_for_dead - #popped
      until #popped == 0 or #ids >= want or room_for_dead <= 0
    end

    if odd then claim_odd() end
    if #ids < want then claim_singly() end
  else
    ids = call('RPOP', ready, want) or {}
  end
end

if #ids > 0 then
  envelopes = call('HMGET', jobs, unpack(ids))
  local whole = true
  for i = 1, #ids do whole = whole and envelopes[i] end
  if not whole then
    -- PRELUDE
    -- Ids whose envelopes are missing say nothing of what there was to do, but an
    -- operator should see them.
    local found, there = {}, {}
    for i = 1, #ids do
      if envelopes[i] then
        found[#found + 1], there[#there + 1] = ids[i], envelopes[i]
      else
        finish(ids[i], 'discarded', now, '', reason(0, now, 'quarantined: its envelope is missing'))
        call('HINCRBY', stats, 'quarantined', 1)
      end
    end
    ids, envelopes = found, there
  end
end

-- 4. leave a trace, unless there is none to leave
if epoch == '0' and #ids > 0 then
  -- PRELUDE
  epoch = tostring(call('HINCRBY', meta, 'joins', 1))
  open(running)
  open(turns) -- which stays while a lease has joined
end
local packed, refused = pack(ids), pack(rejects)
if #ids > 0 then
  local held, token = {}, lease .. ':' .. seq
  for i = 1, #ids do
    held[2 * i - 1] = ids[i]
    held[2 * i] = token
  end
  call('HSET', running, unpack(held))
end
if epoch ~= '0' then
  call('ZADD', leases, now, lease)
  call('HSET', turns, lease, seq .. '|' .. epoch .. '|' .. refused .. packed)
end
-- Of suspects only a worker that could take one speaks: the others would wake each
-- other for nothing.
local left = in_line()
if left > 0 or (odd and not paused and may == '1' and call('EXISTS', suspects) == 1) then
  -- PRELUDE
  ring()
end
return reply(left, due, epoch, refused, ids, packed, envelopes)
