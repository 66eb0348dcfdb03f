#!lua flags=allow-oom
-- balance takes in what partitions have of a limit that they share and what they need, and says what is to change. All
-- that it grants is never more than the limit, whatever of it arrives, late, twice or not at all:
--   most: what a partition may have at most, by what was granted and what is known to have arrived. All of these
--         together are the limit, or less.
--   to:   what it is to have. To take something away lowers that alone; most follows when the partition says that it
--         has that version and runs no more. To give something raises most at once, by what is free.
-- Both are kept for two numbers: jobs that run at once, and starts at once, which a rate is shared out by.
--
-- KEYS limits grants
-- ARGV name ...
--   then for each partition: its name, served, version, most, burst, running, waiting, freed, used, as the engine's
--   facts_of gives these; served is 1 where a worker serves it and has looked, so that what waits there needs
--   something, and 0 in an answer to what was granted; version -1: there is no such partition.
-- Returns {known, changes}: known is 0 if there is no such limit, 2 if it was taken away, 3 if that is to be told again
--   a little later, since many tell, and 1 otherwise; changes of each partition that is to have another share, or is
--   to be asked, its name, version, most, burst and starts, the last in thousandths.
local TURN = 2000 -- ms that a partition keeps at least what others wait for
local HOLDS = 2000 -- ms that a need holds
local SILENT = 5000 -- ms after which a partition is asked that nobody tells of
local AGAIN = 1000 -- ms after which one is asked again
local FEW = 16 -- partitions of which all may tell at any time
local REST = 0.5 -- ms for each of more from one call in which workers tell to the next, some ten times what it takes
local ANY = 1e9 -- more than any limit
local MANY = 64 -- changes in an answer
local ROWS = 128 -- partitions that have or need something at a time
local t = call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local by, terms = string.match(call('HGET', limits, name) or '', '^[^|]*|(%a+)|%d+|%d+|([^|]*)|')
if not by or by == 'removed' then return {by and 2 or 0, {}} end
local most, every, burst = string.match(terms, '^(%d+),(%d+),(%d+)')
most, every, burst = tonumber(most), tonumber(every), tonumber(burst)
if every == 0 then burst = 0 end
local long = TURN + 1.5 * every * burst / 1000 -- so that one start at least comes with each turn, and is not passed on

-- A row: what a partition is to have and may have at most, of jobs (a) and of starts (b); what it needs of them, since
-- when that is known, and whether jobs wait there; since when jobs may start there or may not; when it was heard of
-- last, whether it is served, and when it was last to be asked; whether it has to say that it has its version; and the
-- starts that come with that.
local FIELDS = {'version', 'a_to', 'a_most', 'b_to', 'b_most', 'a_need', 'b_need', 'need_at', 'waits', 'since', 'heard', 'served', 'asked', 'open', 'starts'}
local last = tonumber(string.match(call('HGET', grants, '') or '', '^%d+|[01]|(%d+)$') or 0)
local size = call('HLEN', grants)
if size > FEW and ARGV[rest + 1] == '1' and now >= last and now - last < REST * size then return {3, {}} end

local rows, names, were, pool, counts = {}, {}, {}, 0, 0
local all = call('HGETALL', grants)
for i = 1, #all, 2 do
  if all[i] == '' then
    pool, counts = string.match(all[i + 1], '^(%d+)|([01])|')
    pool, counts = tonumber(pool), tonumber(counts)
  else
    local r, n = {}, 0
    for value in string.gmatch(all[i + 1], '%d+') do
      n = n + 1
      r[FIELDS[n]] = tonumber(value)
    end
    rows[all[i]], were[all[i]] = r, all[i + 1]
    names[#names + 1] = all[i]
  end
end

-- may_start says whether jobs may start at a partition, by what it is to have.
local function may_start(r)
  return (most == 0 or r.a_to > 0) and (burst == 0 or r.b_to > 0)
end

-- note takes in what is told of a partition.
local function note(r, served, version, has_most, has_burst, run, wait, freed, used)
  if most == 0 then r.a_to, r.a_most, has_most, wait = 0, 0, 0, math.min(wait, 1) end
  if burst == 0 then r.b_to, r.b_most, has_burst = 0, 0, 0 end
  local counted = most == 0 or run >= 0 -- else it has not learnt yet that there is a number to keep to
  run = most > 0 and math.max(run, 0) or 0
  if version > r.version or (version == r.version and (has_most ~= r.a_to or has_burst ~= r.b_to)) then -- something was lost
    r.version, r.open, r.starts = version + 1, 1, 0
    r.a_most, r.b_most = math.max(r.a_most, has_most, run), math.max(r.b_most, has_burst)
  elseif version == r.version and counted then
    if r.open == 1 then pool = pool + freed end
    r.open, r.starts = 0, 0
    r.a_most, r.b_most = math.max(r.a_to, math.min(r.a_most, run)), r.b_to
  end
  if served == 0 then return end
  local a_need, b_need = run + wait, (wait > 0 and burst) or (used == 1 and r.b_to) or 0
  if now - r.need_at > HOLDS or now < r.need_at or (a_need >= r.a_need and b_need >= r.b_need) then
    r.a_need, r.b_need, r.need_at = a_need, b_need, now
  end
  r.waits, r.served = wait > 0 and 1 or 0, 1
end

-- Where what runs is to be counted from now on, nobody knows what does until each has said so.
if most > 0 and counts == 0 then
  for _, p in ipairs(names) do rows[p].version, rows[p].open, rows[p].a_most = rows[p].version + 1, 1, ANY end
end
counts = most > 0 and 1 or 0

local told, behind, crowded = {}, {}, #names >= ROWS
for i = rest, #ARGV, 9 do
  local p, f = ARGV[i], {}
  for k = 1, 8 do f[k] = tonumber(ARGV[i + k]) end
  if f[2] < 0 then
    rows[p] = nil
  elseif rows[p] or #names < ROWS then
    if not rows[p] then
      rows[p] = {}
      for _, field in ipairs(FIELDS) do rows[p][field] = 0 end
      rows[p].a_most, names[#names + 1] = f[5] < 0 and ANY or f[5], p -- some may run there already
    end
    note(rows[p], unpack(f))
    rows[p].heard = now
    told[p], behind[p] = true, f[2] < rows[p].version
  end
end
local there = {}
table.sort(names)
for _, p in ipairs(names) do
  local r = rows[p]
  if r then
    there[#there + 1] = p
    if now - r.heard > SILENT or now < r.heard then r.a_need, r.b_need, r.waits, r.served = 0, 0, 0, 0 end
  end
end

-- spread gives what each partition is to have of so many: first one each to those that need some, and where there are
-- not as many, in turns; then the same to all, as far as they need it; what is left stays where it is, unless others
-- want the rows.
local function spread(total, need, to)
  local want, left, line = {}, total, {}
  for _, p in ipairs(there) do
    want[p] = 0
    if rows[p][need] > 0 then line[#line + 1] = p end
  end
  -- turn says who comes first of those where jobs wait: those that have their turn, those that wait for it, and those
  -- whose turn is over. Others come last.
  local function turn(r)
    if r.waits == 0 then return 4 end
    if not may_start(r) then return 2 end
    return now - r.since < long and now >= r.since and 1 or 3
  end
  table.sort(line, function(p, q)
    local x, y = turn(rows[p]), turn(rows[q])
    if x ~= y then return x < y end
    if rows[p].since ~= rows[q].since then return rows[p].since < rows[q].since end
    return p < q
  end)
  for _, p in ipairs(line) do
    want[p] = math.min(1, left)
    left = left - want[p]
  end
  table.sort(line, function(p, q)
    if rows[p][need] ~= rows[q][need] then return rows[p][need] < rows[q][need] end
    if rows[p][to] ~= rows[q][to] then return rows[p][to] < rows[q][to] end
    return p < q
  end)
  for i, p in ipairs(line) do
    local more = math.min(rows[p][need] - want[p], math.floor(left / (#line - i + 1)))
    want[p], left = want[p] + more, left - more
  end
  local served = {}
  for _, p in ipairs(there) do
    if not crowded or rows[p][need] > 0 then
      local keep = math.min(math.max(rows[p][to] - want[p], 0), left)
      want[p], left = want[p] + keep, left - keep
      if rows[p].served == 1 then served[#served + 1] = p end
    end
  end
  for i, p in ipairs(served) do
    local more = math.floor(left / (#served - i + 1))
    want[p], left = want[p] + more, left - more
  end
  return want
end

-- plan lowers and raises what partitions are to have.
local changed = {}
local function plan(total, want, to, at_most)
  local free = total
  for _, p in ipairs(there) do free = free - rows[p][at_most] end
  for _, p in ipairs(there) do
    local r, now_to = rows[p], want[p]
    if now_to < r[to] then
      r[to], changed[p] = now_to, true
    elseif now_to > r[to] then
      local up = math.min(now_to - r[to], math.max(free + r[at_most] - r[to], 0))
      if up > 0 then
        local n = math.max(r[at_most], r[to] + up)
        free = free - (n - r[at_most])
        r[at_most], r[to], changed[p] = n, r[to] + up, true
      end
    end
  end
end
local might, had = {}, {}
for _, p in ipairs(there) do might[p], had[p] = may_start(rows[p]), rows[p].b_to end
local a, b = most > 0 and spread(most, 'a_need', 'a_to'), burst > 0 and spread(burst, 'b_need', 'b_to')
if a then plan(most, a, 'a_to', 'a_most') end
if b then plan(burst, b, 'b_to', 'b_most') end

-- Starts that are free go where starts at once are granted, and are never more than those that are not.
local given = 0
for _, p in ipairs(there) do given = given + rows[p].b_most end
for _, p in ipairs(there) do
  local r = rows[p]
  if changed[p] then
    r.version, r.open = r.version + 1, 1
    r.starts = math.min(math.max(pool, 0), math.max(r.b_to - had[p], 0) * 1000)
    pool = pool - r.starts
    if may_start(r) ~= might[p] then r.since = now end
  end
end
pool = math.max(math.min(pool, (burst - given) * 1000), 0)

local changes, first = {}, #there > 0 and t[2] % #there or 0
for i = 1, #there do
  local p = there[(first + i) % #there + 1] -- those of a node that does not answer do not hold up the others
  local r = rows[p]
  local silent = now - r.heard > SILENT and r.a_most + r.b_most > 0
  local again = not told[p] and (r.open == 1 or silent) and (now - r.asked > AGAIN or now < r.asked)
  if #changes < MANY * 5 and (behind[p] or changed[p] or again) then
    for _, value in ipairs({p, r.version, r.a_to, r.b_to, r.starts}) do changes[#changes + 1] = value end
    r.asked = now
  end
end
local gone, writes = {}, {'', string.format('%.0f|%d|%.0f', pool, counts, now)}
for _, p in ipairs(names) do
  local r = rows[p]
  if not r or (r.a_most + r.b_most + r.a_need + r.b_need + r.open == 0 and (crowded or now - r.heard > SILENT)) then
    gone[#gone + 1] = p
  else
    local values = {}
    for i, field in ipairs(FIELDS) do values[i] = string.format('%.0f', r[field]) end
    local row = table.concat(values, '|')
    if row ~= were[p] then
      writes[#writes + 1] = p
      writes[#writes + 1] = row
    end
  end
end
for i = 1, #gone, 1000 do call('HDEL', grants, unpack(gone, i, math.min(i + 999, #gone))) end
for i = 1, #writes, 1000 do call('HSET', grants, unpack(writes, i, math.min(i + 999, #writes))) end
return {1, changes}
