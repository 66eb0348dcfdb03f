#!lua flags=allow-oom
-- outcomes takes in what the jobs of steps have come to. What is older, and what is of an
-- earlier run of a step, changes nothing, nor does a repeat.
--
-- KEYS outbox ops timers index living meta steps flow
-- ARGV id made ...
--   made: the ms when the flow was; then for each step "number.gen", the row of its job as in ends, and
--   its result, '' for none.
-- Returns {ops, taken}: how many ops wait in the shard; and a character for each: 1 if it was
--   taken in, 0 if nothing is to be known of it, 2 if it is to be told again later.
-- Errors FORMAT.
local refused = check()
if refused then return refused end
local f, now, taken = call('HMGET', flow, 'created', 'st', 'frozen'), clock(), {}
local known = f[1] == made and f[2] ~= 'dropping'

local function keep(i, value)
  local more = #value - call('HSTRLEN', steps, 'v' .. i)
  if call('HINCRBY', flow, 'bytes', more) > RESULTS then
    call('HINCRBY', flow, 'bytes', 1 - #value)
    value = '!'
  end
  call('HSET', steps, 'v' .. i, value)
end

for k = rest, #ARGV, 3 do
  local i, gen = string.match(ARGV[k], '^(%d+)%.(%d+)$')
  local s = known and step_at(tonumber(i))
  if not s or s.gen ~= tonumber(gen) then
    taken[#taken + 1] = '0'
  elseif f[3] then
    taken[#taken + 1] = '2'
  else
    local n, _, c, d, x = string.match(ARGV[k + 1], '^(%d+)|(%d+)|(%d+)|(%d+)|(%d+)$')
    local st = c ~= '0' and 'c' or d ~= '0' and 'd' or x ~= '0' and 'x'
    if tonumber(n) > s.n then
      s.n = tonumber(n)
      if st == 'c' and ARGV[k + 2] ~= '' then keep(s.i, ARGV[k + 2]) end
      if st and st ~= s.st then end_step(s, st, now) else put_step(s) end
    end
    taken[#taken + 1] = '1'
  end
end
if known then
  run_todo(id, now)
  conclude(id)
end
return {call('ZCARD', outbox), table.concat(taken)}
