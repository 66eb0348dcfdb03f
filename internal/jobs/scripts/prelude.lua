-- Shared by every script, which the loader writes below it; see script.go. The
-- names of keys are the locals that a script's own KEYS line makes.

-- The storage format of this program. A queue of a newer one is refused.
local FORMAT = 1

local DAY = 86400000 -- ms that an ID of a caller's own stays known after its end
local MONTH = 30 * DAY -- ms that cancelled and discarded jobs are kept at least
local ERRORS = 25 -- the last errors of a job that are kept
local SUSPECT = 2 -- rescues that make a job a suspect; one more ends it
local FILLER = '.................................................................' -- longer than a listpack takes

local function clock()
  local t = call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- check returns the error to give for a queue whose data is of a newer format, or
-- nil; whether the queue is paused; whether it has held large envelopes.
local function check()
  local m = call('HMGET', meta, 'paused', 'format', 'large')
  if not m[2] then
    call('HSET', meta, 'format', FORMAT)
  elseif tonumber(m[2]) > FORMAT then
    return redis.error_reply('FORMAT the queue is of storage format ' .. m[2])
  end
  return nil, m[1] == '1', m[3] == '1'
end

-- open makes sure that a hash is stored as a table: the listpack of a small hash
-- is scanned from end to end for every field.
local function open(hash)
  if call('EXISTS', hash) == 0 then
    call('HSET', hash, '', FILLER)
  end
end

-- shut removes a hash of which the filler alone is left.
local function shut(hash)
  if call('HLEN', hash) == 1 and call('HEXISTS', hash, '') == 1 then
    call('DEL', hash)
  end
end

-- ring wakes one idle worker, unless one is being woken already.
local function ring()
  if call('EXISTS', bell) == 0 then
    call('LPUSH', bell, '1')
  end
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

-- tally gives how often a job has failed and been rescued.
local function tally(id)
  local failed, rescued = string.match(call('HGET', counts, id) or '0,0', '(%d+),(%d+)')
  return tonumber(failed or 0), tonumber(rescued or 0) -- or what is there cannot be read
end

local function set_tally(id, failed, rescued)
  open(counts)
  call('HSET', counts, id, failed .. ',' .. rescued)
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

-- with_error adds a record to the errors of a job and drops the oldest ones over
-- the limit.
local function with_error(list, record)
  list = list .. record
  local starts, pos = {}, 1
  while pos <= #list do
    local length, body = string.match(list, '^(%d+):()', pos)
    starts[#starts + 1] = pos
    pos = body + length
  end
  if #starts <= ERRORS then
    return list
  end
  return string.sub(list, starts[#starts - ERRORS + 1])
end

-- header reads what scripts need of an envelope: whether its ID is the caller's
-- own and for how many ms it is retained. See envelope.go.
local function header(envelope)
  local flags, a, b, c, d, e, f = string.byte(envelope, 2, 8)
  return flags % 2 == 1, ((((a * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f
end

-- finish ends a live job that is in no index any more: into the archive if it is
-- to be kept, and out of every other column.
local function finish(id, state, now, result, record)
  local envelope = call('HGET', jobs, id) or ''
  local own, keep = false, 0
  if #envelope >= 8 then
    own, keep = header(envelope)
  end
  if state ~= 'completed' and keep < MONTH then
    keep = MONTH
  end
  if keep > 0 then
    local list = call('HGET', errors, id) or ''
    if record ~= '' then
      list = with_error(list, record)
    end
    local failed, rescued = tally(id)
    open(archive)
    call('HSET', archive, id, table.concat({state, now, failed, rescued, #result, #list}, '|') ..
      '|' .. result .. list .. envelope)
    local kept = completed
    if state == 'cancelled' then kept = cancelled elseif state == 'discarded' then kept = discarded end
    call('ZADD', kept, now + keep, id)
  end
  if own then
    call('ZADD', seen, now + DAY, id)
  end
  call('HDEL', jobs, id)
  forget({id})
  call('HINCRBY', stats, state, 1)
end

-- available puts jobs in line, at the end (LPUSH) or in front (RPUSH), suspects in
-- a line of their own.
local function available(push, ids)
  if call('EXISTS', counts) == 0 then
    call(push, ready, unpack(ids))
    return
  end
  for i = 1, #ids do
    local _, rescued = tally(ids[i])
    call(push, rescued >= SUSPECT and suspects or ready, ids[i])
  end
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
  local lane = string.match(at, '^([^/]*)/')
  call('HDEL', route, id)
  call('ZREM', parked, at .. '/' .. id)
  if tonumber(call('ZINCRBY', lanes, -1, lane)) <= 0 then
    call('ZREM', lanes, lane)
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
