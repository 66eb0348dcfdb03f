-- Shared by every script, which the loader writes below it. The names of keys are
-- the locals that a script's own KEYS line makes; flow is the record of the one that the call
-- is about.

-- The storage format of this program. Data of a newer one is refused.
local FORMAT = 1

local SOURCES = 4096 -- partitions in which a batch may have members
local OPEN = 86400000 -- ms for which a batch stays open of which its creator says nothing more
local AUDIT = 600000 -- ms after which partitions are asked again that have members left

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

-- The sorts of ops are e, a callback; g, members that a member adds; s, have no more members
-- come from outside; x, cancel those that are there; t, tell the row again; f, forget it. For
-- g, s and x the flow waits.
local WAITS = {g = true, s = true, x = true}

-- send puts an op for a partition into the outbox. ops has "sort|made|length of the ID|ID|what is
-- to be done": made is when the flow was, by which it is known from an earlier one of that ID.
local function send(id, to, sort, what)
  local entry = to .. '/' .. number()
  call('ZADD', outbox, 0, entry)
  call('HSET', ops, entry, sort .. '|' .. call('HGET', flow, 'created') .. '|' .. #id .. '|' .. id .. '|' .. what)
  call('HINCRBY', flow, 'ops', 1)
  if WAITS[sort] then call('HINCRBY', flow, 'pend', 1) end
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

-- join notes that a partition may have members.
local function join(source)
  if call('HSETNX', flow, 'r/' .. source, '0|0|0|0|0') == 1 then call('HINCRBY', flow, 'sources', 1) end
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

-- set_timer notes when the flow is to be looked at next.
local function set_timer(id, now)
  local f = call('HMGET', flow, 'st', 'open', 'deadline', 'cancelled', 'ended', 'retain', 'retain_bad', 'd', 'x', 'abandoned')
  local at = now + AUDIT
  if f[1] == 'open' then at = math.min(at, tonumber(f[2])) end
  if (f[1] == 'open' or f[1] == 'closing') and f[3] and not f[4] then at = math.min(at, tonumber(f[3])) end
  if f[1] == 'ended' then
    local bad = f[4] or tonumber(f[8] or 0) + tonumber(f[9] or 0) + tonumber(f[10] or 0) > 0
    at = tonumber(f[5]) + tonumber(bad and f[7] or f[6])
  end
  call('ZADD', timers, string.format('%.0f', at), id)
end

-- conclude releases what may be, and ends the flow, or drops what is left of it.
local function conclude(id)
  local f = call('HMGET', flow, 'st', 'pend', 'a', 'c', 'd', 'x', 'abandoned', 'fired', 'ops', 'cancelled')
  local st, fired = f[1], f[8] or ''
  local pend, a, c, d, x = tonumber(f[2] or 0), tonumber(f[3] or 0), tonumber(f[4] or 0), tonumber(f[5] or 0), tonumber(f[6] or 0)
  local bad = d + x + tonumber(f[7] or 0) + (f[10] and 1 or 0)
  if st == 'dropping' then
    if tonumber(f[9] or 0) == 0 then
      call('DEL', flow)
      call('ZREM', timers, id)
      call('ZREM', index, id)
    end
    return
  end
  if bad > 0 then fired = fire(id, 'f', fired) end
  if st == 'closing' and pend == 0 and c + d + x >= a then
    local now = clock()
    st = 'ended'
    call('HSET', flow, 'st', st, 'ended', string.format('%.0f', now))
    fired = fire(id, 'c', fired)
    set_timer(id, now)
  end
  if st == 'ended' and bad == 0 then fire(id, 's', fired) end
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
  set_timer(id, now)
  conclude(id)
end

-- describe gives what is known of the flow: a list of fields and values without the rows.
local function describe()
  local names = {'st', 'created', 'closed', 'ended', 'deadline', 'a', 'c', 'd', 'x', 'fired', 'cancelled', 'abandoned', 'sources', 'ops', 'pend', 'open'}
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

-- replaced is the error to give to those who mean an earlier flow of that ID; else nil.
local function replaced(id, made)
  if call('HGET', flow, 'created') ~= made then return redis.error_reply('ENDED batch ' .. id .. ' has ended, and there is a new one of that ID') end
end
