#!lua
-- extend adds steps to a flow, from within a step that runs. A repeat, which names them again, does
-- nothing.
--
-- KEYS outbox ops timers index living meta steps flow
-- ARGV id made ref ...
--   made: the ms when the flow was; ref: "number.gen" of the step that adds; then for each new one its label and its job, as the
--   prelude has l and e, and what it comes after, "name,policy;" each: steps that are there, or that come before it here.
-- Returns 1.
-- Errors NOTFOUND; ENDED: the flow was cancelled, or that step does not run any more; BUSY: what was
--   decided before is still being done; CONFLICT: it has other steps of these names; LIMITS; FORMAT; OOM from Redis
--   itself, before anything is written.
local refused = check() or absent(id) or replaced(id, made) or busy(id)
if refused then return refused end
local f, now = call('HMGET', flow, 'cancelled', 'pend', 'a', 'edges', 'size'), clock()
local number, gen = string.match(ref, '^(%d+)%.(%d+)$')
local by = step_at(tonumber(number))
if f[1] or not by or by.gen ~= tonumber(gen) or by.st ~= 'q' then
  return redis.error_reply('ENDED flow ' .. id .. ' takes no more steps from one that has ended or was cancelled')
end
if tonumber(f[2] or 0) > 0 then return redis.error_reply('BUSY flow ' .. id .. ' is at work') end

-- What is new gets the numbers behind those that are there.
local total, edges, size = tonumber(f[3]), tonumber(f[4] or 0), tonumber(f[5] or 0)
local new, rows, known = {}, {}, 0
for k = rest, #ARGV, 3 do
  local kind, name = string.match(ARGV[k], '^%a|[^|]*|([^|]*)|(.*)$')
  local row = {i = total + #rows, label = ARGV[k], job = ARGV[k + 1], name = name, ins = {}}
  for other, policy in string.gmatch(ARGV[k + 2], '([^,;]+),(%a);') do
    local j = call('HGET', steps, 'n:' .. other) or new[other]
    if not j then return redis.error_reply('LIMITS flow ' .. id .. ' has no step ' .. other) end
    row.ins[#row.ins + 1] = j .. ',' .. policy .. ';'
  end
  local at = call('HGET', steps, 'n:' .. name)
  if at then
    known = known + 1
    if string.match(call('HGET', steps, 'l' .. at), '^%a|[^|]*|([^|]*)|') ~= kind or (call('HGET', steps, 'p' .. at) or '') ~= table.concat(row.ins) then
      return redis.error_reply('CONFLICT flow ' .. id .. ' has another step ' .. name)
    end
  end
  new[name] = row.i
  edges, size = edges + #row.ins, size + #row.job
  rows[#rows + 1] = row
end
if known == #rows then return 1 end
if known > 0 then return redis.error_reply('CONFLICT flow ' .. id .. ' has ' .. known .. ' of these ' .. #rows .. ' steps already') end
if total + #rows > STEPS then return redis.error_reply('LIMITS flow ' .. id .. ' would have ' .. total + #rows .. ' steps; at most ' .. STEPS .. ' are possible') end
if edges > EDGES then return redis.error_reply('LIMITS the steps of flow ' .. id .. ' would come after ' .. edges .. ' others in all; at most ' .. EDGES .. ' are possible') end
if size > BYTES then return redis.error_reply('LIMITS the jobs of flow ' .. id .. ' would have ' .. size .. ' bytes; at most ' .. BYTES .. ' are possible') end

local outs, cancelled = {}, {}
for _, row in ipairs(rows) do
  local need = 0
  for _, edge in ipairs(row.ins) do
    local j, policy = string.match(edge, '^(%d+),(%a);$')
    local met = tonumber(j) < total and step_at(j).met or 0
    if met == 0 or (met == 1 and policy ~= 'e') then need = need + 1 end
    if met == 1 and policy == 'c' then cancelled[row.i] = true end
    outs[j] = (outs[j] or '') .. row.i .. ',' .. policy .. ';'
  end
  call('HSET', steps, 's' .. row.i, 'w|0|' .. need .. '|0|0|0|0|0', 'l' .. row.i, row.label, 'n:' .. row.name, row.i)
  if row.job ~= '' then call('HSET', steps, 'e' .. row.i, row.job) end
  if #row.ins > 0 then call('HSET', steps, 'p' .. row.i, table.concat(row.ins)) end
end
for j, more in pairs(outs) do call('HSET', steps, 'o' .. j, (call('HGET', steps, 'o' .. j) or '') .. more) end
call('HSET', flow, 'a', total + #rows, 'edges', edges, 'size', size)
for i in pairs(cancelled) do end_step(step_at(i), 'n', now) end
todo[#todo + 1] = 's|' .. total .. '||'
run_todo(id, now)
conclude(id)
return 1
