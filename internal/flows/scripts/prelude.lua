-- Shared by every script, which the loader writes below it. The names of keys are
-- the locals that a script's own KEYS line makes; flow is the record of the one that the call
-- is about.

-- The storage format of this program. Data of a newer one is refused.
local FORMAT = 1

local SOURCES = 4096 -- partitions in which a batch may have members
local OPEN = 86400000 -- ms for which a batch stays open of which its creator says nothing more
local AUDIT = 600000 -- ms after which partitions are asked again that have members left
local SOON = 1000 -- ms after which what is too much for one look goes on
local ASKED = 500 -- steps that one look goes over
local DRAFT = 3600000 -- ms for which steps are kept that do not become a flow

local function clock()
  local t = call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- check returns the error to give for data of a newer format, or nil.
local function check()
  local format = call('HGET', meta, 'format')
  if not format then call('HSET', meta, 'format', FORMAT) end
  if format and tonumber(format) > FORMAT then
    return redis.error_reply('FORMAT the flows are of storage format ' .. format)
  end
end

-- Of a record, st is open, closing until all have ended, ended, or dropping; pend is how many
-- ops it waits for before it can end, and ops how many there are in all; sources is how many
-- partitions have members, of each of which r/SOURCE has the last row,
-- "n|stored|completed|discarded|cancelled", of whose numbers a, c, d and x are the sums. fired
-- has a letter for each callback that was released: c for complete, s for success, f for failure.

-- number gives an op its number, which rises also over what Redis forgets.
local function number()
  local t = call('TIME')
  local n = math.max(tonumber(call('HGET', meta, 'op') or 0) + 1, t[1] * 1000000 + t[2])
  n = string.format('%016.0f', n)
  call('HSET', meta, 'op', n)
  return n
end

-- The sorts of ops are e, a callback; p, tell the batch of which the flow is a member; n, tell a job that the flow has ended; g, members that a member adds; s, have no more members
-- come from outside; x, cancel those that are there; t, tell the row again; f, forget it. Of
-- steps, r, enqueue its job; y, cancel it; u, tell its row again; o, forget the rows of several; and w for @, which is
-- the shard itself: go on with what one call was too short for. For g, s, x and w the flow waits.
local WAITS = {g = true, s = true, x = true, w = true}

-- send puts an op for a partition into the outbox, and gives its number. ops has "sort|made|length of the ID|ID|what is
-- to be done": made is when the flow was, by which it is known from an earlier one of that ID.
local function send(id, to, sort, what)
  local n = number()
  local entry = to .. '/' .. n
  call('ZADD', outbox, 0, entry)
  call('HSET', ops, entry, sort .. '|' .. call('HGET', flow, 'created') .. '|' .. #id .. '|' .. id .. '|' .. what)
  call('HINCRBY', flow, 'ops', 1)
  if WAITS[sort] then call('HINCRBY', flow, 'pend', 1) end
  return n
end

-- sources_of gives the partitions that have members.
local function sources_of()
  local found, all = {}, call('HGETALL', flow)
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, 2) == 'r/' then found[#found + 1] = string.sub(all[i], 3) end
  end
  table.sort(found)
  return found
end

-- row_at gives the last row from a partition.
local function row_at(source)
  local row, i = {}, 0
  for n in string.gmatch(call('HGET', flow, 'r/' .. source) or '', '%d+') do
    i = i + 1
    row[i] = tonumber(n)
  end
  return row
end

-- A batch, or a flow of steps, may itself be a member of a batch. There it is a source like a partition, @c/ID,
-- with one member from the beginning; j/SOURCE has the ms when it was joined. The record of such a flow
-- has parent, "made|ID" of the batch; told, how it has ended as a member of
-- that, q for not yet; and row, the number of that news.
local CHILD = '@c/'

-- join notes that a partition may have members, or that a flow is one.
local function join(source, now)
  local child = string.sub(source, 1, #CHILD) == CHILD
  if call('HSETNX', flow, 'r/' .. source, child and '0|1|0|0|0' or '0|0|0|0|0') == 0 then return end
  call('HINCRBY', flow, 'sources', 1)
  if child then
    call('HINCRBY', flow, 'a', 1)
    call('HSET', flow, 'j/' .. source, string.format('%.0f', now))
  end
end

-- adopt notes of which batch a flow is a member; '' for none.
local function adopt(parent)
  if parent ~= '' then call('HSET', flow, 'parent', parent, 'told', 'q', 'row', number()) end
end

-- stranger is the error to give where a flow is there, and no member of that batch; else nil.
local function stranger(id, parent)
  if parent ~= '' and call('HGET', flow, 'parent') ~= parent then
    return redis.error_reply('CONFLICT there is a flow ' .. id .. ' that is no member of the batch')
  end
end

-- take_row takes in a row from a partition, unless it has a newer one. A partition that knows of
-- fewer members than it did has lost some, which count as cancelled.
local function take_row(source, row)
  local before, new = row_at(source), {}
  for n in string.gmatch(row, '%d+') do new[#new + 1] = tonumber(n) end
  if #before == 0 or new[1] <= before[1] then return end
  if new[2] < before[2] then
    new[2], new[3], new[4] = before[2], math.max(before[3], new[3]), math.max(before[4], new[4])
    new[5] = new[2] - new[3] - new[4]
  end
  local sums = {'a', 'c', 'd', 'x'}
  for i = 1, 4 do
    if new[i + 1] ~= before[i + 1] then call('HINCRBY', flow, sums[i], new[i + 1] - before[i + 1]) end
  end
  call('HSET', flow, 'r/' .. source, string.format('%.0f|%.0f|%.0f|%.0f|%.0f', unpack(new)))
end

-- fire releases a callback, once.
local function fire(id, letter, fired)
  if string.find(fired, letter, 1, true) then return fired end
  fired = fired .. letter
  call('HSET', flow, 'fired', fired)
  local to, what = string.match(call('HGET', flow, 'on/' .. letter) or '', '^([^|]*)|(.*)$')
  if to then send(id, to, 'e', what) end
  return fired
end

-- set_timer notes when the flow is to be looked at next, and whether it lives, which is to say that it has not ended.
local function set_timer(id, now)
  local f = call('HMGET', flow, 'st', 'open', 'deadline', 'cancelled', 'ended', 'retain', 'retain_bad', 'd', 'x', 'abandoned', 'sigs', 'created')
  if f[1] == 'ended' or f[1] == 'dropping' then
    call('ZREM', living, id)
  else
    call('ZADD', living, f[12], id)
  end
  local at = now + AUDIT
  if f[1] == 'open' or f[1] == 'draft' then at = math.min(at, tonumber(f[2])) end
  for till in string.gmatch(f[11] or '', ',(%d+);') do at = math.min(at, tonumber(till)) end
  if (f[1] == 'open' or f[1] == 'closing') and f[3] and not f[4] then at = math.min(at, tonumber(f[3])) end
  if f[1] == 'ended' then
    local bad = f[4] or tonumber(f[8] or 0) + tonumber(f[9] or 0) + tonumber(f[10] or 0) > 0
    at = tonumber(f[5]) + tonumber(bad and f[7] or f[6])
  end
  call('ZADD', timers, string.format('%.0f', at), id)
end

-- conclude releases what may be, and ends the flow, or drops what is left of it.
local function conclude(id)
  local f = call('HMGET', flow, 'st', 'pend', 'a', 'c', 'd', 'x', 'abandoned', 'fired', 'ops', 'cancelled', 'wake', 'parent', 'told')
  local st, fired = f[1], f[8] or ''
  local pend, a, c, d, x = tonumber(f[2] or 0), tonumber(f[3] or 0), tonumber(f[4] or 0), tonumber(f[5] or 0), tonumber(f[6] or 0)
  local bad = d + x + tonumber(f[7] or 0) + (f[10] and 1 or 0)
  if st == 'dropping' then
    if tonumber(f[9] or 0) == 0 then
      call('DEL', flow, steps)
      call('ZREM', timers, id)
      call('ZREM', index, id)
      call('ZREM', living, id) -- a draft lived until now
    end
    return
  end
  if bad > 0 then fired = fire(id, 'f', fired) end
  if st == 'closing' and pend == 0 and c + d + x >= a then
    local now = clock()
    st = 'ended'
    call('HSET', flow, 'st', st, 'ended', string.format('%.0f', now))
    call('HINCRBY', meta, f[10] and 'x' or bad > 0 and 'd' or 'c', 1)
    fired = fire(id, 'c', fired)
    local to, what = string.match(f[11] or '', '^([^|]+)|(.*)$')
    if to then send(id, to, 'n', what) end
    set_timer(id, now)
  end
  if st == 'ended' and bad == 0 then fire(id, 's', fired) end
  if f[12] and st == 'ended' then -- one that is retried counts as it has ended until it ends anew
    local told = f[10] and 'x' or bad > 0 and 'd' or 'c'
    if told ~= f[13] then
      call('HSET', flow, 'told', told, 'row', number())
      local made, parent = string.match(f[12], '^(%d+)|(.*)$')
      send(id, '@p/' .. parent, 'p', made)
    end
  end
end

-- A flow of steps has dag 1 in its record. st is draft while its steps are being stored; a is
-- how many there are, q how many are released and have not ended, c, d and x as what the others
-- have; frozen is 1 while a retry goes over them: nothing is told of their ends meanwhile; sigs has
-- "step,till_ms;" for each signal that is waited for; bytes are those of all results, size those of
-- all jobs, and edges how many there are.
--
-- Steps have numbers from 0, in an order in which each comes behind those that it comes after. Of each,
-- steps has, behind these letters: s "state|gen|need|met|n|sent|from_ms|till_ms": state w while it
-- waits, q once it is released, c, d and x as its job has ended, n where it was cancelled before;
-- gen rises with each time that it is to run again; need is how many of the edges that lead to it
-- are not met; met what those that come after it know: 0 nothing, 1 that it has ended badly, 2 well; n is
-- the number of the last row of its job; sent that of the op that enqueued it, 0 for none; from and
-- till are when it was released and has ended. l has "sort|to|kind|name": sort j for a job, whose partition is to, g
-- for a signal, to being how long it is waited for; e the job; p and o the edges that lead to
-- it and away from it, "step,policy;" each, the policies c, cancel it after a bad end, e, go on in any
-- case, h, wait until that is mended; v its result; g of a signal that has come "ms|key|sender". n:NAME has its number.

local BUDGET = 200 -- steps and edges that one call looks at
local RESULTS = 67108864 -- bytes of all results of a flow
local STEPS = 10000 -- of a flow
local EDGES = 100000 -- of all its steps
local BYTES = 67108864 -- of the jobs of all its steps
local SUM = {q = 'q', c = 'c', d = 'd', x = 'x', n = 'x'}

-- todo is what is to be done in this call, and by ops if it is too much: "f|step|position|how",
-- follow the edges of one that has ended, how g where that is good news, b bad, h good after bad; and from a step
-- on "s|step|", release those that wait for nothing; "x|step|", cancel; "r|step|mode", have run
-- again; "d|step|", drop.
local todo = {}

-- step_at gives what is known of a step; nil if there is none.
local function step_at(i)
  local st, gen, need, met, n, sent, from, till =
    string.match(call('HGET', steps, 's' .. i) or '', '^(%a)|(%d+)|(%d+)|(%d)|(%d+)|(%d+)|(%d+)|(%d+)$')
  return st and {i = i, st = st, gen = tonumber(gen), need = tonumber(need), met = tonumber(met),
    n = tonumber(n), sent = sent, from = tonumber(from), till = tonumber(till)}
end

-- put_step writes it.
local function put_step(s)
  call('HSET', steps, 's' .. s.i, string.format('%s|%d|%d|%d|%.0f|%s|%.0f|%.0f', s.st, s.gen, s.need, s.met, s.n, s.sent, s.from, s.till))
end

-- label_of gives the sort of a step, and where its job goes or how long its signal is waited for.
local function label_of(i)
  return string.match(call('HGET', steps, 'l' .. i) or '', '^(%a)|([^|]*)|')
end

-- move_step gives a step another state, and has the sums follow.
local function move_step(s, st)
  if SUM[s.st] then call('HINCRBY', flow, SUM[s.st], -1) end
  if SUM[st] then call('HINCRBY', flow, SUM[st], 1) end
  s.st = st
end

-- unwait has a step wait for its signal no more.
local function unwait(i)
  local left = string.gsub(';' .. (call('HGET', flow, 'sigs') or ''), ';' .. i .. ',%d+;', ';')
  call('HSET', flow, 'sigs', string.sub(left, 2))
end

-- end_step ends a step, or notes that one has ended otherwise since. Who comes after it is told
-- once of its end, and once more when that is mended.
local function end_step(s, st, now)
  local before, good = s.met, st == 'c'
  move_step(s, st)
  s.till, s.met = now, good and 2 or math.max(before, 1)
  if s.met > before then
    todo[#todo + 1] = 'f|' .. s.i .. '|1|' .. (before == 1 and 'h' or good and 'g' or 'b')
  end
  put_step(s)
end

-- release has the job of a step enqueued, or a signal waited for.
local function release(id, s, now)
  local sort, to = label_of(s.i)
  move_step(s, 'q')
  s.from = now
  if sort == 'j' then
    s.sent = send(id, to, 'r', s.i .. '.' .. s.gen .. '|' .. call('HGET', steps, 'e' .. s.i))
    put_step(s)
  elseif call('HEXISTS', steps, 'g' .. s.i) == 1 then
    end_step(s, 'c', now)
  else
    call('HSET', flow, 'sigs', (call('HGET', flow, 'sigs') or '') .. s.i .. string.format(',%.0f;', now + to))
    put_step(s)
    set_timer(id, now)
  end
end

-- follow tells those that come after a step how it has ended, from a position in its edges on. It gives
-- what is left of the budget, and where to go on.
local function follow(id, i, at, how, now, left)
  local edges = call('HGET', steps, 'o' .. i) or ''
  while left > 0 do
    local j, policy, next = string.match(edges, '^(%d+),(%a);()', at)
    if not j then return left end
    left, at = left - 1, next
    local s = step_at(j)
    if s.st == 'w' and how == 'b' and policy == 'c' then
      end_step(s, 'n', now)
    elseif s.st == 'w' and (how == 'g' or (how == 'b' and policy == 'e') or (how == 'h' and policy == 'h')) then
      s.need = s.need - 1
      if s.need == 0 then release(id, s, now) else put_step(s) end
    end
  end
  return left, at
end

-- unmet counts the edges that lead to a step and are not met, and all of them.
local function unmet(i)
  local need, all = 0, 0
  for j, policy in string.gmatch(call('HGET', steps, 'p' .. i) or '', '(%d+),(%a);') do
    local met = step_at(j).met
    all = all + 1
    if met == 0 or (met == 1 and policy ~= 'e') then need = need + 1 end
  end
  return need, all
end

-- rerun has a step begin anew: its next job is another one, and what is told of the last counts
-- no more.
local function rerun(id, s)
  if s.sent ~= '0' then
    local _, to = label_of(s.i)
    send(id, to, 'o', s.i .. '.' .. s.gen .. ';')
  end
  move_step(s, 'w')
  s.gen, s.met, s.n, s.sent, s.from, s.till = s.gen + 1, 0, 0, '0', 0, 0
  local size = call('HSTRLEN', steps, 'v' .. s.i)
  if size > 0 then call('HINCRBY', flow, 'bytes', -size) end
  call('HDEL', steps, 'v' .. s.i, 'g' .. s.i)
end

-- Which steps a retry has run again: those that failed; what was cancelled for it, too; all.
local AGAIN = {f = '[dx]', d = '[dxn]', a = '[cdxn]'}

-- visit does to one step what is done to all from one on, and gives what that costs.
local function visit(id, what, s, mode, now, rows)
  if what == 's' then
    if s.st == 'w' and s.need == 0 then release(id, s, now) end
  elseif what == 'x' then
    local sort, to = label_of(s.i)
    if s.st == 'q' and sort == 'j' then
      send(id, to, 'y', s.i .. '.' .. s.gen)
    elseif s.st == 'w' or s.st == 'q' then
      if s.st == 'q' then unwait(s.i) end
      end_step(s, 'n', now)
    end
  elseif what == 'r' then
    if string.find(s.st, AGAIN[mode]) then rerun(id, s) end
    if s.st == 'w' then
      local need, edges = unmet(s.i) -- also of those that waited: what was there may come again
      s.need = need
      if need == 0 then release(id, s, now) else put_step(s) end
      return 1 + edges
    end
  elseif what == 'd' then
    local _, to, name = string.match(call('HGET', steps, 'l' .. s.i) or '', '^(%a)|([^|]*)|[^|]*|(.*)$')
    if s.sent ~= '0' then rows[to] = (rows[to] or '') .. s.i .. '.' .. s.gen .. ';' end
    call('HDEL', steps, 's' .. s.i, 'l' .. s.i, 'e' .. s.i, 'p' .. s.i, 'o' .. s.i, 'v' .. s.i, 'g' .. s.i, 'n:' .. name)
  end
  return 1
end

-- run_todo does what is to be done, and leaves what is too much for one call to an op.
local function run_todo(id, now)
  local left, at, rows, cancelled, k = BUDGET, 1, {}, call('HEXISTS', flow, 'cancelled') == 1, 0
  local total = tonumber(call('HGET', flow, 'a') or 0)
  while todo[at] and left > 0 do
    local what, i, from, how = string.match(todo[at], '^(%a)|(%d+)|(%d*)|?(%a?)$')
    i = tonumber(i)
    at = at + 1
    if what == 'f' then
      local next
      if not cancelled then left, next = follow(id, i, tonumber(from), how, now, left) end
      if next then todo[#todo + 1] = 'f|' .. i .. '|' .. next .. '|' .. how end
    else
      while i < total and left > 0 do
        local s = step_at(i)
        if s then left = left - visit(id, what, s, how, now, rows) end
        i = i + 1
      end
      if i < total then
        todo[#todo + 1] = what .. '|' .. i .. '||' .. how
      elseif what == 'r' then
        call('HDEL', flow, 'frozen')
      end
    end
  end
  local to = {}
  for partition in pairs(rows) do to[#to + 1] = partition end
  table.sort(to)
  for _, partition in ipairs(to) do send(id, partition, 'o', rows[partition]) end
  if todo[at] then send(id, '@', 'w', table.concat(todo, ';', at)) end
  todo = {}
end

-- acked notes what an op about a step has come to: one that enqueued its job, or asked for its row.
local function acked(id, sort, to, s, gen, row)
  if not s or s.gen ~= gen or s.st ~= 'q' then return end
  local now = clock()
  if sort == 'r' then
    if call('HEXISTS', flow, 'cancelled') == 1 then send(id, to, 'y', s.i .. '.' .. gen) end -- it came after it
  elseif call('HEXISTS', flow, 'frozen') == 0 then
    if row == 'gone' then
      end_step(s, 'x', now)
    elseif string.match(row, '^%d+|0|') then -- Redis has lost it
      rerun(id, s)
      release(id, s, now)
    end
    run_todo(id, now)
  end
end

-- audit has signals that have not come waited for no more, and asks for the rows of some steps whose jobs
-- have not ended. It gives when the others are asked for.
local function audit(id, now)
  for i, till in string.gmatch(call('HGET', flow, 'sigs') or '', '(%d+),(%d+);') do
    if tonumber(till) <= now then
      unwait(i)
      end_step(step_at(tonumber(i)), 'd', now)
    end
  end
  if #todo > 0 then
    run_todo(id, now)
    conclude(id)
    return
  end
  local f = call('HMGET', flow, 'audit', 'a', 'q')
  local from, total = tonumber(f[1] or 0), tonumber(f[2])
  local upto = math.min(from + ASKED, total)
  for i = from, (f[3] or '0') == '0' and 0 or upto - 1 do
    local s = step_at(i)
    if s.st == 'q' and s.sent ~= '0' then
      local _, to = label_of(i)
      if not call('ZSCORE', outbox, to .. '/' .. s.sent) then send(id, to, 'u', i .. '.' .. s.gen) end
    end
  end
  call('HSET', flow, 'audit', upto < total and upto or 0)
  if upto < total then return now + SOON end
end

-- close has no more members come from outside.
local function close(id, now)
  if call('HGET', flow, 'st') ~= 'open' then return end
  call('HSET', flow, 'st', 'closing', 'closed', string.format('%.0f', now))
  for _, source in ipairs(sources_of()) do send(id, source, 's', '') end
  set_timer(id, now)
  conclude(id)
end

-- cancel cancels all members, and takes no more.
local function cancel(id, now, why)
  local f = call('HMGET', flow, 'st', 'cancelled')
  if f[2] or (f[1] ~= 'open' and f[1] ~= 'closing') then return end
  call('HSET', flow, 'cancelled', why, 'st', 'closing')
  call('HSETNX', flow, 'closed', string.format('%.0f', now))
  for _, source in ipairs(sources_of()) do send(id, source, 'x', '') end
  if call('HEXISTS', flow, 'dag') == 1 then
    todo = {'x|0||'}
    run_todo(id, now)
  end
  set_timer(id, now)
  conclude(id)
end

-- describe gives what is known of the flow: a list of fields and values without the rows.
local function describe()
  local names = {'st', 'created', 'closed', 'ended', 'deadline', 'a', 'c', 'd', 'x', 'fired', 'cancelled', 'abandoned', 'sources', 'ops', 'pend', 'open', 'dag', 'q'}
  local values, found = call('HMGET', flow, unpack(names)), {}
  for i = 1, #names do
    if values[i] then
      found[#found + 1] = names[i]
      found[#found + 1] = values[i]
    end
  end
  return found
end

-- absent is the error to give for a flow that is not there, or is being dropped; else nil.
local function absent(id)
  local st = call('HGET', flow, 'st')
  if not st or st == 'dropping' then return redis.error_reply('NOTFOUND flow ' .. id) end
end

-- busy is the error to give while what one call was too short for is still to be done; else nil.
local function busy(id)
  if call('HEXISTS', flow, 'frozen') == 1 then return redis.error_reply('BUSY flow ' .. id .. ' is being retried') end
end

-- replaced is the error to give to those who mean an earlier flow of that ID; else nil.
local function replaced(id, made)
  if call('HGET', flow, 'created') ~= made then return redis.error_reply('ENDED batch ' .. id .. ' has ended, and there is a new one of that ID') end
end
