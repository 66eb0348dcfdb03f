#!lua
-- enqueue stores new jobs, each once.
--
-- A repeat of a lane's last call, also a late one, does nothing and gets the same
-- answer; so does an older one, with STALE. Jobs with an ID of the caller's own
-- are duplicates while that ID is live, archived or seen; ticks of a schedule
-- while a tick at or after theirs was enqueued.
--
-- KEYS jobs ready scheduled counts errors cancels archive completed cancelled discarded seen ticks bell meta stats answer
-- ARGV seq ttl_ms large plain ...
--   seq: the lane's next number, from 1; ttl_ms: how long the answer is kept;
--   large 1 if one of the envelopes is; plain: how many jobs, if all are new for
--   sure and due at once, and then for each its id and its envelope; else 0, and
--   for each job its id, its envelope and its plan. A plan is empty for a plain
--   job, else "own|due|schedule|tick|failed|discarded|error": own 1 if the caller
--   chose the ID; due in ms, absolute or after now if it starts with "+"; of a job
--   with a past, how often it failed, 1 if it has ended, and its last error.
-- Returns {now_ms, answers}: a character a job, 0 stored, 1 duplicate; now_ms is 0
--   where all jobs are plain.
-- Errors STALE, FORMAT; OOM from Redis itself, before anything is written.
local refused, paused = check()
if refused then return refused end

local last, answers = string.match(call('GET', answer) or '', '^(%d+)|(.*)$')
if seq == last then
  return {clock(), answers}
elseif last and tonumber(seq) < tonumber(last) then
  return redis.error_reply('STALE the lane has gone on to ' .. last)
end

if large == '1' then
  call('HSET', meta, 'large', '1')
end
plain = tonumber(plain)
if plain > 0 then
  local line = {}
  for i = 1, plain do line[i] = ARGV[rest + 2 * i - 2] end
  if call('LPUSH', ready, unpack(line)) == plain then
    open(jobs) -- the line was empty; where it was not, the hash is open
  end
  call('HSET', jobs, unpack(ARGV, rest))
  if not paused then ring() end
  call('HINCRBY', stats, 'enqueued', plain)
  answers = string.rep('0', plain)
  call('SET', answer, seq .. '|' .. answers, 'PX', ttl_ms)
  return {0, answers}
end

local now = clock()
local live, line, waiting, said, here = {}, {}, {}, {}, {}
local past, retryable = {}, 0

local function known(id)
  return here[id] or call('HEXISTS', jobs, id) == 1 or call('HEXISTS', archive, id) == 1 or
    (tonumber(call('ZSCORE', seen, id) or 0) > now)
end

local function fired(schedule, tick)
  return schedule ~= '' and tonumber(call('HGET', ticks, schedule) or 0) >= tonumber(tick)
end

for i = rest, #ARGV, 3 do
  local id, envelope, plan = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local own, due, schedule, tick, failed, ended, record = '', '', '', '', '', '', ''
  if plan ~= '' then
    own, due, schedule, tick, failed, ended, record = string.match(plan, '^(.-)|(.-)|(.-)|(.-)|(.-)|(.-)|(.*)$')
  end
  if (own == '1' and known(id)) or fired(schedule, tick) then
    said[#said + 1] = '1'
  else
    said[#said + 1] = '0'
    here[id] = true
    live[#live + 1] = id
    live[#live + 1] = envelope
    if string.sub(due, 1, 1) == '+' then
      due = now + tonumber(due)
    end
    if failed ~= '' then
      past[#past + 1] = {id, tonumber(failed), ended == '1', record}
    end
    if ended == '1' then
      -- it waits for nothing
    elseif due == '' or tonumber(due) <= now then
      line[#line + 1] = id
    else
      waiting[#waiting + 1] = due
      waiting[#waiting + 1] = id
      if failed ~= '' and failed ~= '0' then
        retryable = retryable + 1
      end
    end
    if schedule ~= '' then
      call('HSET', ticks, schedule, tick)
    end
  end
end

if #live > 0 then
  open(jobs)
  call('HSET', jobs, unpack(live))
  call('HINCRBY', stats, 'enqueued', #live / 2)
end
for i = 1, #past do
  local id, failed, ended, record = unpack(past[i])
  if failed > 0 or record ~= '' then
    set_tally(id, failed, 0)
  end
  if ended then
    finish(id, 'discarded', now, '', record)
  elseif record ~= '' then
    call('HSET', errors, id, record)
  end
end
if retryable > 0 then
  call('HINCRBY', stats, 'retryable', retryable)
end
local earlier = false
if #waiting > 0 then
  local before = call('ZRANGE', scheduled, 0, 0)[1]
  call('ZADD', scheduled, unpack(waiting))
  earlier = call('ZRANGE', scheduled, 0, 0)[1] ~= before
end
if #line > 0 then
  call('LPUSH', ready, unpack(line))
end
if (#line > 0 or earlier) and not paused then
  ring()
end
answers = table.concat(said)
call('SET', answer, seq .. '|' .. answers, 'PX', ttl_ms)
return {now, answers}
