#!lua
-- push stores new jobs that are due at once, each once: what nearly all calls of
-- enqueue are, with fewer keys and at half the cost.
--
-- A repeat of a lane's last call, also a late one, does nothing and gets the same
-- answer; so does an older one, with STALE.
--
-- KEYS jobs ready bell meta stats answer
-- ARGV seq ttl_ms large ...
--   seq: the lane's next number, from 1; ttl_ms: how long the answer is kept;
--   large 1 if one of the envelopes is; then for each job its id, which nobody has
--   used before, and its envelope.
-- Returns {0, answers}: a character a job, 0 stored, as enqueue answers.
-- Errors STALE, FORMAT; OOM from Redis itself, before anything is written.
local refused, paused = check()
if refused then return refused end
local stop, answers = answered()
if stop then return stop elseif answers then return {0, answers} end

if large == '1' then
  call('HSET', meta, 'large', '1')
end
local line = {}
for i = rest, #ARGV, 2 do line[#line + 1] = ARGV[i] end
if call('LPUSH', ready, unpack(line)) == #line then
  -- PRELUDE
  -- The line was empty. Where it was not, the hash is open, and whoever has seen the
  -- line rings for what he leaves.
  open(jobs)
  if not paused then ring() end
end
call('HSET', jobs, unpack(ARGV, rest))
call('HINCRBY', stats, 'enqueued', #line)
answers = string.rep('0', #line)
call('SET', answer, seq .. '|' .. answers, 'PX', ttl_ms)
return {0, answers}
