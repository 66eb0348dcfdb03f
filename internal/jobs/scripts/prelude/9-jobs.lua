-- How jobs end, are kept, fail and wait, and what operators do to one.

-- end_keys ends what jobs hold by their envelopes, which are read unless they are given.
local function end_keys(event, ids, envelopes)
  if keyed then give_keys(ids, envelopes or call('HMGET', jobs, unpack(ids)), false, event) end
end

-- end_jobs ends the life of jobs of which nothing is kept, and what they hold.
local function end_jobs(event, ids, envelopes)
  end_keys(event, ids, envelopes)
  leave_start(event, ids, 1, #ids)
  if reported then leave_reports(event, ids) end
  if linked then leave_links(event, ids) end
  leave_jobs(event, ids)
end

-- The first version had the ms when a job expires as its score where now is the ms when it ended, and no expiry: its
-- sweep removes what has a lower score than now. So what ended has that much more, which no time comes to.
local ENDED = 1000000000000000

-- kept_as gives the set of those in the archive that ended in a state, by ENDED and the ms when they did.
local function kept_as(state)
  return ({completed = completed, cancelled = cancelled, discarded = discarded})[state]
end

-- leave_archive takes ended jobs out of the archive.
local function leave_archive(event, ids)
  for _, state in ipairs({'completed', 'cancelled', 'discarded'}) do
    local set, bytes = kept_as(state), 0
    local ends = call('ZMSCORE', set, unpack(ids))
    for i = 1, #ids do
      if ends[i] then bytes = bytes + call('HSTRLEN', archive, ids[i]) + reported_of(ids[i]) end
    end
    if call('ZREM', set, unpack(ids)) > 0 then
      if call('EXISTS', set) == 1 then
        call('HINCRBY', meta, state .. '_bytes', -bytes)
      else
        call('HDEL', meta, state .. '_bytes') -- also what a damaged record was counted for
      end
    end
  end
  call('ZREM', expiry, unpack(ids))
  call('HDEL', archive, unpack(ids))
  if reported and event ~= 'retry' then
    for i = 1, #ids do drop_reports(ids[i]) end
    shut_reports()
  end
end

-- space gives how many more jobs there may be, where that has a limit.
local function space()
  return math.max(depth - math.max(call('HLEN', jobs) - 1, 0), 0) -- one field is the filler
end

-- refuse counts jobs for which there is no room, and gives the limit as an answer has it.
local function refuse(n)
  call('HINCRBY', stats, 'refused', n)
  return string.format('%.0f', depth)
end

-- answered looks up a lane's last call. It returns the error to give for a call older
-- than that, or nil; and the answer, if it was this call.
local function answered()
  local last, answers = string.match(call('GET', answer) or '', '^(%d+)|(.*)$')
  if seq == last then
    return nil, answers
  elseif last and tonumber(seq) < tonumber(last) then
    return redis.error_reply('STALE the lane has gone on to ' .. last)
  end
end

-- A flow puts jobs in by numbered ops instead of a lane's calls. answer has "low;n;n;" then: all
-- below low have been done, and of the others those n.

-- ops_done says whether all of some ops were done before, gives what answer is to have when they are, and
-- which of them were.
local function ops_done(numbers, low)
  local before, list = string.match(call('GET', answer) or '', '^(%d+)(;.*)$')
  low = math.max(tonumber(low), tonumber(before or 0))
  local kept, known, which, done = {string.format('%.0f', low)}, {}, {}, true
  for n in string.gmatch(list or '', ';(%d+)') do
    known[n] = true
    if tonumber(n) >= low then kept[#kept + 1] = n end
  end
  for n in string.gmatch(numbers, '%d+') do
    which[#which + 1] = known[n] or tonumber(n) < low
    if not which[#which] then
      kept[#kept + 1], done = n, false
    end
  end
  return done, table.concat(kept, ';') .. ';', which
end

-- tally gives how often a job has failed and been rescued.
local function tally(id)
  local failed, rescued = string.match(call('HGET', counts, id) or '0,0', '(%d+),(%d+)')
  return tonumber(failed or 0), tonumber(rescued or 0) -- or what is there cannot be read
end

local function set_tally(id, failed, rescued)
  open(counts)
  call('HSET', counts, id, failed .. ',' .. rescued)
end

-- blame gives how often a job has failed, and what was seen of the workers that died
-- with it: times, the ms of those deaths that count; alone, in how many of them it was
-- the only job; narrowed 1 if one died in a trial with it and others; others, how many
-- jobs they held beside it, as far as was seen; trial, how many are in the trial in which
-- it runs, or 0; tried 1 if the last one died in a trial; lease, that of the last one.
local function blame(id)
  local failed, noted = string.match(call('HGET', counts, id) or '', '^(%d+),%d+|(.*)$')
  if not failed then
    failed, noted = tally(id), ''
  end
  local b = {failed = tonumber(failed), times = {}, alone = 0, narrowed = 0, others = 0, trial = 0, tried = 0, lease = ''}
  local alone, narrowed, others, trial, tried, lease, times =
    string.match(noted, '^(%d+),(%d+),(%d+),(%d+),(%d+)|([^|]*)|(.*)$')
  if alone then
    b.alone, b.narrowed, b.others = tonumber(alone), tonumber(narrowed), tonumber(others)
    b.trial, b.tried, b.lease = tonumber(trial), tonumber(tried), lease
    for time in string.gmatch(times, '%d+') do b.times[#b.times + 1] = tonumber(time) end
  end
  return b
end

local function set_blame(id, b)
  local noted = table.concat({b.alone, b.narrowed, b.others, b.trial, b.tried}, ',')
  set_tally(id, b.failed, #b.times .. '|' .. noted .. '|' .. b.lease .. '|' .. table.concat(b.times, ';'))
end

-- clear forgets the workers that died with a job: its handler has returned, or they
-- have not died.
local function clear(id)
  local failed, rescued = tally(id)
  if rescued == 0 then return end
  if failed == 0 and call('HEXISTS', errors, id) == 0 then
    call('HDEL', counts, id)
    shut(counts)
  else
    set_tally(id, failed, 0)
  end
end

-- forget drops what was noted of jobs while they were live. Where no job has
-- failed, been rescued or cancelled, there is nothing to look for.
local function forget(ids)
  if call('EXISTS', counts, cancels) == 0 then
    return
  end
  call('HDEL', counts, unpack(ids))
  call('HDEL', errors, unpack(ids))
  call('HDEL', cancels, unpack(ids))
  shut(counts)
end

-- reason makes an error record as record.go reads it.
local function reason(attempt, now, message)
  local body = attempt .. '|' .. now .. '|' .. #message .. '|' .. message
  return #body .. ':' .. body
end

-- with_error adds a record to the errors of a job, drops the oldest ones over the
-- limit, and of all but the last ones the stacks, which are most of them.
local function with_error(list, record)
  list = list .. record
  local starts, bodies, pos = {}, {}, 1
  while pos <= #list do
    local length, body = string.match(list, '^(%d+):()', pos)
    if not length then return list end -- it is damaged: as it is, its reader says so
    starts[#starts + 1], bodies[#bodies + 1] = pos, body
    pos = body + length
  end
  local parts, bare = {}, #starts - STACKS
  if bare <= 0 then return list end
  for i = math.max(#starts - ERRORS + 1, 1), bare do
    local size, text = string.match(list, '^%d+|%d+|(%d+)|()', bodies[i])
    if not size then return list end
    local body = string.sub(list, bodies[i], text + size - 1)
    parts[#parts + 1] = #body .. ':' .. body
  end
  return table.concat(parts) .. string.sub(list, starts[bare + 1])
end

-- header reads what scripts need of an envelope: whether its ID is the caller's
-- own and for how many ms it is retained. See envelope.go.
local function header(envelope)
  local flags, a, b, c, d, e, f = string.byte(envelope, 2, 8)
  return flags % 2 == 1, ((((a * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f
end

-- What the score of an ID in seen lacks to its ms, by how its job has ended: less than one, so
-- that the ID is free from that ms on.
local MARKS = {completed = 0, cancelled = 0.25, discarded = 0.5}

-- remember keeps a caller's own ID taken for a day.
local function remember(id, now, state)
  call('ZADD', seen, string.format('%.2f', now + DAY - MARKS[state]), id)
end

-- remembered says how the job has ended whose ID is taken still, nil if it is not.
local function remembered(id, now)
  local score = tonumber(call('ZSCORE', seen, id) or 0)
  if score <= now then return nil end
  for state, mark in pairs(MARKS) do
    if -score % 1 == mark then return state end
  end
  return 'completed'
end

-- full reports whether Redis holds all that it may. It says no where it is not known.
local function full()
  local told, info = pcall(call, 'INFO', 'memory') -- the user may not be allowed to ask
  if not told then return false end
  local used, max = string.match(info, 'used_memory:(%d+)'), string.match(info, 'maxmemory:(%d+)')
  return used and max and tonumber(max) > 0 and tonumber(used) >= tonumber(max)
end

-- The events that end a job, and the state in which each leaves it.
local ENDS = {
  complete = 'completed', cancel = 'cancelled',
  exhaust = 'discarded', poison = 'discarded', quarantine = 'discarded', import = 'discarded', lapse = 'discarded',
}

-- finish ends a live job that is in no index any more: into the archive if it is
-- to be kept, and out of every other column.
local function finish(id, event, now, result, record)
  local state = ENDS[event]
  local envelope = call('HGET', jobs, id) or ''
  local own, keep = false, 0
  if #envelope >= 8 then
    own, keep = header(envelope)
  end
  if state ~= 'completed' and keep < MONTH then
    keep = MONTH
  end
  leave_start(event, {id}, 1, 1) -- before the archive has it in expiry
  local bytes, streams = reported_of(id)
  if streams then keep = math.max(keep, LINGER) end
  if keep > 0 then
    local list = call('HGET', errors, id) or ''
    if record ~= '' then
      list = with_error(list, record)
    end
    local failed, rescued = tally(id)
    local ended = table.concat({state, now, failed, rescued, #result, #list}, '|') .. '|' .. result .. list .. envelope
    local kept = kept_as(state)
    open(archive)
    call('HSET', archive, id, ended)
    call('ZADD', kept, string.format('%.0f', ENDED + now), id)
    call('ZADD', expiry, now + keep, id)
    call('HINCRBY', meta, state .. '_bytes', #ended + bytes)
  end
  if own then remember(id, now, state) end
  end_keys(event, {id}, {envelope})
  if reported then leave_reports(event, {id}) end
  if linked then leave_links(event, {id}, 1, 1, result) end
  leave_jobs(event, {id})
  forget({id})
  call('HINCRBY', stats, state, 1)
  if event ~= 'import' then note_end(envelope, CODES[state], 1) end -- that was elsewhere, and then
end

-- lapse ends a job that is in no line any more and was not started in time.
local function lapse(id, now, at)
  finish(id, 'lapse', now, '', reason(tally(id) + 1, now,
    string.format('expired: not started in time, which was over %.0f ms ago', now - at)))
  call('HINCRBY', stats, 'expired', 1)
end

-- available puts jobs in line, at the end (LPUSH) or in front (RPUSH), suspects in
-- a line of their own.
local function available(push, ids)
  local envelopes = ranked and call('HMGET', jobs, unpack(ids))
  if not envelopes and call('EXISTS', counts) == 0 then
    call(push, ready, unpack(ids))
    return
  end
  local aside, theirs = {}, {}
  for i = 1, #ids do
    local _, rescued = tally(ids[i])
    if rescued >= SUSPECT then
      call(push, suspects, ids[i])
    elseif envelopes and stands_apart(envelopes[i]) then
      aside[#aside + 1], theirs[#theirs + 1] = ids[i], envelopes[i]
    else
      call(push, ready, ids[i])
    end
  end
  if #aside > 0 then set_aside(RANKED, aside, push == 'RPUSH', theirs) end
end

-- unschedule takes jobs out of scheduled and keeps the number of retryable ones.
local function unschedule(ids)
  call('ZREM', scheduled, unpack(ids))
  if call('EXISTS', counts) == 1 then
    local retryable = 0
    for i = 1, #ids do
      if tally(ids[i]) > 0 then
        retryable = retryable + 1
      end
    end
    if retryable > 0 then
      call('HINCRBY', stats, 'retryable', -retryable)
    end
  end
end

-- unpark takes a job out of the lane that it waits in.
local function unpark(id)
  local at = call('HGET', route, id)
  if not at then
    return false
  end
  local lane, place = string.match(at, '^([^/]*)/(%d+)')
  local line, group = lane_of(lane)
  call('HDEL', route, id)
  call('ZREM', parked, at .. '/' .. id)
  if line == RANKED then
    count_ranked(-1)
  elseif tonumber(call('ZINCRBY', lanes, -1, line)) <= 0 then
    call('ZREM', lanes, line)
  end
  if group ~= '' then
    local priority = priority_at(place)
    if #slots_of(lane, priority, 1) == 0 then leave_ring(line, priority, {group}) end
  end
  return true
end

-- unline takes a waiting job out of its index. From the middle of ready nothing
-- can be taken at a bounded cost: its entry stays, and stale counts it as dead.
local function unline(id)
  if call('ZSCORE', scheduled, id) then
    unschedule({id})
  elseif not unpark(id) then
    local _, rescued = tally(id)
    if rescued < SUSPECT or call('LREM', suspects, 1, id) == 0 then
      call('HINCRBY', stale, id, 1)
    end
  end
end

-- live_state gives the state of a live job, and the ms at which it is due, if it is.
local function live_state(id)
  local due = call('ZSCORE', scheduled, id)
  if call('HEXISTS', running, id) == 1 then
    return 'running', due
  elseif due then
    return tally(id) > 0 and 'retryable' or 'scheduled', due
  end
  return 'available', due
end

-- What operators do to one job, alone or as one of many: what became of it, or an error.

local function retry_job(id)
  if call('HEXISTS', running, id) == 1 and id ~= '' then
    return redis.error_reply('RUNNING the job is running')
  end
  if call('ZSCORE', scheduled, id) then
    unschedule({id})
    available('LPUSH', {id})
  elseif id ~= '' and call('HEXISTS', archive, id) == 1 then
    local record = call('HGET', archive, id)
    local state, results, reasons, at = string.match(record, '^(%a+)|%d+|%d+|%d+|(%d+)|(%d+)|()')
    if not at then
      return redis.error_reply('NOTFOUND the record of the job cannot be read')
    end
    local list = string.sub(record, at + results, at + results + reasons - 1)
    local envelope = string.sub(record, at + results + reasons)
    if envelope == '' then
      return redis.error_reply('NOTFOUND the envelope of the job is lost')
    end
    local key = unique(envelope)
    if key then
      local now = clock()
      local other = holder(key, now)
      if other and other ~= id then
        return redis.error_reply('CONFLICT a job that counts as the same is there')
      end
      take_keys({key, held_key(id, now, 0)})
    end
    leave_archive('retry', {id})
    open(jobs)
    call('HSET', jobs, id, counted_as(envelope, state))
    if list ~= '' then
      set_tally(id, 0, 0)
      call('HSET', errors, id, list)
    end
    available('LPUSH', {id})
    call('HINCRBY', stats, 'retried', 1)
  elseif id == '' or call('HEXISTS', jobs, id) == 0 then
    return redis.error_reply('NOTFOUND no such job')
  end
  return 'available'
end

local function cancel_job(id)
  if id == '' or call('HEXISTS', jobs, id) == 0 then
    return redis.error_reply('NOTFOUND no such job waits or runs')
  end
  local now = clock()
  if call('HEXISTS', running, id) == 1 then
    call('HSETNX', cancels, id, now)
    return 'running'
  end
  unline(id)
  finish(id, 'cancel', now, '', '')
  return 'cancelled'
end

local function delete_job(id)
  if id == '' then
    return redis.error_reply('NOTFOUND no such job')
  end
  if call('HEXISTS', running, id) == 1 then
    return redis.error_reply('RUNNING the job is running')
  end
  if call('HEXISTS', archive, id) == 1 then
    leave_archive('delete', {id})
  elseif call('HEXISTS', jobs, id) == 1 then
    unline(id)
    local envelope = call('HGET', jobs, id)
    if #envelope < 8 or header(envelope) then remember(id, clock(), 'cancelled') end
    end_jobs('delete', {id}, {envelope})
    forget({id})
  else
    return redis.error_reply('NOTFOUND no such job')
  end
  call('HINCRBY', stats, 'deleted', 1)
  return 'OK'
end
