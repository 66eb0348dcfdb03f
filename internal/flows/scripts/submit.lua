#!lua
-- submit stores steps of a flow, a part of them in each call; with the last one it begins, and
-- nothing runs before. A repeat does nothing, and of a flow that has begun gets what is there.
--
-- KEYS outbox ops timers index living meta steps flow
-- ARGV id by digest deadline_ms retain_ms retain_bad_ms wake parent total edges size first ...
--   by: who submits, by which a repeat is known; digest: of all that it is made of, by which it is known from another one of that ID;
--   deadline_ms: after its begin, 0 for none; wake: the job that is told of its end, "partition|signal|job", or nothing; parent: of which batch it is a member, as the prelude has it, or ''; edges, size: how many there are, and the bytes of all jobs; first: the number of the first step of this call; then for each
--   its label and its job, as the prelude has l and e; the edges that lead to it and those away from it, as p and o.
-- Returns {made, fields}: made 1, or 0 where it had begun before.
-- Errors CONFLICT: there is another flow of that ID; LOST: steps before these are not there, begin
--   anew; ENDED: it is about to be forgotten; FORMAT; OOM from Redis itself, before anything is written.
local refused = check()
if refused then return refused end
local f, now = call('HMGET', flow, 'st', 'dag', 'digest', 'stored', 'by'), clock()
local st, stored = f[1], tonumber(f[4] or 0)
first = tonumber(first)
if st == 'dropping' then return redis.error_reply('ENDED flow ' .. id .. ' has ended, and is about to be forgotten') end
if st and not f[2] then return redis.error_reply('CONFLICT ' .. id .. ' is a batch') end
if st and f[3] ~= digest and (st ~= 'draft' or first > 0) then
  return redis.error_reply('CONFLICT there is a flow ' .. id .. ' of other steps')
end
if st and st ~= 'draft' then return stranger(id, parent) or {f[5] == by and 1 or 0, describe()} end
if f[3] ~= digest then -- the first of it; a draft of other steps gives way, whose maker may have died
  call('DEL', flow, steps)
  local made = string.format('%.0f', now)
  call('HSET', flow, 'st', 'draft', 'dag', 1, 'digest', digest, 'created', made, 'a', total, 'edges', edges, 'size', size, 'span', deadline_ms,
    'retain', retain_ms, 'retain_bad', retain_bad_ms, 'wake', wake, 'open', string.format('%.0f', now + DRAFT))
  adopt(parent)
  call('ZADD', index, made, id)
  set_timer(id, now)
  stored = 0
end
if first > stored then return redis.error_reply('LOST steps from ' .. stored .. ' on are not there') end
for k = rest, #ARGV, 4 do
  local i, ins = first + (k - rest) / 4, ARGV[k + 2]
  local _, need = string.gsub(ins, ';', '')
  local name = string.match(ARGV[k], '^%a|[^|]*|[^|]*|(.*)$')
  call('HSET', steps, 's' .. i, 'w|0|' .. need .. '|0|0|0|0|0', 'l' .. i, ARGV[k], 'n:' .. name, i)
  if ARGV[k + 1] ~= '' then call('HSET', steps, 'e' .. i, ARGV[k + 1]) end
  if ins ~= '' then call('HSET', steps, 'p' .. i, ins) end
  if ARGV[k + 3] ~= '' then call('HSET', steps, 'o' .. i, ARGV[k + 3]) end
end
stored = math.max(stored, first + (#ARGV - rest + 1) / 4)
call('HSET', flow, 'stored', stored)
if stored == tonumber(total) then
  call('HSET', flow, 'st', 'closing', 'by', by, 'closed', string.format('%.0f', now))
  call('HDEL', flow, 'open')
  if deadline_ms ~= '0' then call('HSET', flow, 'deadline', string.format('%.0f', now + deadline_ms)) end
  todo = {'s|0||'}
  run_todo(id, now)
  set_timer(id, now)
  conclude(id)
end
return {1, describe()}
