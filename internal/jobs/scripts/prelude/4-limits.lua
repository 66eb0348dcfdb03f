-- What limits the starts of jobs: how many run, how often they start, and breakers; of all, of a kind and in each group.

-- rate gives when by a limit's rate the next start would be on time, in us, at a gate if it is one in
-- groups; it may be burst - 1 starts earlier. Clocks that were set back hold up nothing.
local function rate(name, every, burst, now, at)
  local noted
  if at then noted = call('ZSCORE', gates, name .. '/' .. at) else noted = call('HGET', meta, 'tat:' .. name) end
  return math.min(math.max(tonumber(noted or 0), now * 1000), now * 1000 + burst * every)
end

-- count_running gives how many jobs run that count: at a gate, of a kind, or all.
local function count_running(kind, at)
  if at then return tonumber(call('ZSCORE', gates, at) or 0) end
  local run = kind and tonumber(call('HGET', meta, 'run:' .. kind) or 0) or math.max(call('HLEN', running) - 1, 0) -- one field is the filler
  return run
end

-- breaker_of gives the terms of a limit's breaker, nil if it has none.
local read_breakers = false
local function breaker_of(name)
  if not breakers then return end
  if not read_breakers then
    read_breakers = {}
    for of, rate, min, window, cool, probes in string.gmatch(breakers, '([^,;]+),(%d+),(%d+),(%d+),(%d+),(%d+);') do
      read_breakers[of] = {rate = tonumber(rate), min = tonumber(min), width = math.floor(window / 10), cool = tonumber(cool), probes = tonumber(probes)}
    end
  end
  return read_breakers[name]
end

-- read_breaker gives how a breaker stands: its row but for the letter, which is state, as n, since and rest.
local function read_breaker(name)
  local state, n, since, rest = string.match(call('HGET', meta, 'brk:' .. name) or '', '^([coh])|(%d+)|(%d+)|(.*)$')
  return {state = state or 'c', n = tonumber(n or 0), since = tonumber(since or 0), rest = rest or ''}
end

local function write_breaker(name, t)
  if t.state == 'c' and t.rest == '' then
    call('HDEL', meta, 'brk:' .. name)
  else
    call('HSET', meta, 'brk:' .. name, string.format('%s|%.0f|%.0f|', t.state, t.n, t.since) .. t.rest)
  end
end

-- probes_of gives the jobs that run as probes.
local function probes_of(t)
  local ids, at = {}, 1
  while at <= #t.rest do
    local size = string.byte(t.rest, at)
    ids[#ids + 1] = string.sub(t.rest, at + 1, at + size)
    at = at + 1 + size
  end
  return ids
end

local function set_probes(t, ids)
  local parts = {}
  for i, id in ipairs(ids) do parts[i] = string.char(#id) .. id end
  t.rest = table.concat(parts)
end

-- breaker_room gives how many jobs a breaker lets start, and from when on if it is none.
local function breaker_room(name, now)
  local b, t = breaker_of(name), read_breaker(name)
  if t.state == 'o' and is_closed(t.n, t.since, now) then return 0, t.n end
  if t.state == 'o' then return b.probes, 0 end
  if t.state == 'c' then return math.huge, 0 end
  local left = math.max(b.probes - t.n - #probes_of(t), 0)
  return left, left == 0 and FAR or 0
end

-- note_probes notes the jobs that have started under limits where a breaker is to be tried.
local function note_probes(terms, ids, now)
  for name in string.gmatch(terms, '([^,;/]+),%d+,%d+,%d+') do
    local t = breaker_of(name) and #ids > 0 and read_breaker(name)
    if t and t.state == 'o' then t = {state = 'h', n = 0, since = now, rest = ''} end
    if t and t.state == 'h' then
      local all = probes_of(t)
      for _, id in ipairs(ids) do all[#all + 1] = id end
      set_probes(t, all)
      write_breaker(name, t)
    end
  end
end

-- room_under gives how many jobs may start now under limits, at a gate, of a kind, or nil for all; and,
-- where none may, from when on, in ms.
local function room_under(terms, kind, now, at)
  local left, opens = math.huge, 0
  for name, most, every, burst in string.gmatch(terms, '([^,;/]+),(%d+),(%d+),(%d+)') do
    most, every, burst = tonumber(most), tonumber(every), tonumber(burst)
    if most > 0 then
      local free = math.max(most - count_running(kind, at), 0)
      if free == 0 then opens = FAR end
      left = math.min(left, free)
    end
    if every > 0 then
      local on = rate(name, every, burst, now, at)
      local starts = math.floor((now * 1000 + burst * every - on) / every)
      if burst == 0 then -- see share_terms
        opens = FAR
      elseif starts == 0 then
        opens = math.max(opens, math.ceil((on + every - burst * every) / 1000))
      end
      left = math.min(left, starts)
    end
    if breaker_of(name) then
      local may, till = breaker_room(name, now)
      if may == 0 then opens = math.max(opens, till) end
      left = math.min(left, may)
    end
  end
  return left, opens
end

-- note_rates notes that n jobs have started under limits, at a gate if they are in groups.
local function note_rates(terms, n, now, at)
  for name, _, every, burst in string.gmatch(terms, '([^,;/]+),(%d+),(%d+),(%d+)') do
    every = tonumber(every)
    if every > 0 and n > 0 then
      local on = string.format('%.0f', rate(name, every, tonumber(burst), now, at) + n * every)
      if at then call('ZADD', gates, on, name .. '/' .. at) else call('HSET', meta, 'tat:' .. name, on) end
    end
  end
end

-- When rooms were measured, in ms.
local measured = 0

-- measure adds how many jobs of each kind may start, where that has limits.
local function measure(all, names, now)
  measured = now
  for _, kind in ipairs(names) do
    local g = all[kind]
    if g.bounds ~= '' then
      g.room, g.opens = room_under(g.bounds, kind, now)
      g.closed = g.closed or g.room == 0
    end
  end
  return all
end

-- terms_in_groups gives the limits in groups, as in bounds: by kind, '' for all jobs of a group.
local read_terms = false
local function terms_in_groups()
  if read_terms then return read_terms end
  read_terms = {}
  for one, kind in string.gmatch(group_limits or '', '([^,;|]+,%d+,%d+,%d+),([^;]*);') do
    read_terms[kind] = (read_terms[kind] and read_terms[kind] .. '/' or '') .. one
  end
  return read_terms
end

-- terms_at gives those that jobs meet at a gate.
local function terms_at(at)
  return terms_in_groups()[string.match(at, '^[^=]*')] or ''
end

-- gates_at gives the gates that jobs of a group meet, of a kind if that is given.
local function gates_at(kind, group)
  local all, list = terms_in_groups(), {}
  if all[''] then list[1] = '=' .. group end
  if (kind or '') ~= '' and all[kind] then list[#list + 1] = kind .. '=' .. group end
  return list
end

-- rooms has how many more jobs may start in this call, by gate.
local rooms = {}

local function room_at(at)
  if not rooms[at] then rooms[at] = room_under(terms_at(at), nil, measured, at) end
  return rooms[at]
end

-- shut_at gives the first gate where no job of a group may start, of a kind if that is given; nil: it may.
local function shut_at(kind, group)
  for _, at in ipairs(gates_at(kind, group)) do
    if room_at(at) == 0 then return at end
  end
end

-- take_room notes that one will start, of its kind and in its group. all: as kinds_declared gives it.
local function take_room(all, kind, envelope)
  local g = all[kind]
  if g and g.room then g.room = g.room - 1 end
  local group = group_limits and group_of(envelope)
  for _, at in ipairs(group and gates_at(kind_of(envelope), group) or {}) do rooms[at] = room_at(at) - 1 end
end

-- counts_runs says whether one of some limits is for what runs.
local function counts_runs(terms)
  return string.find(terms, ',[1-9]%d*,%d+,%d+')
end

-- has_rate says whether one of them is for how often jobs start.
local function has_rate(terms)
  return string.find(terms, ',%d+,[1-9]%d*,[1-9]')
end

-- some_count says whether any of limits, by kind or group, is for what runs.
local function some_count(all)
  for _, terms in pairs(all) do
    if counts_runs(type(terms) == 'table' and terms.bounds or terms) then return true end
  end
  return false
end

-- enter_kinds notes that jobs have started.
local function enter_kinds(ids, envelopes, now)
  local all, names = kinds_declared(now)
  local started = {}
  for i = 1, #ids do
    local kind = kind_of(envelopes[i])
    if kind then
      started[kind] = started[kind] or {}
      table.insert(started[kind], ids[i])
    end
  end
  for _, kind in ipairs(names) do
    if started[kind] then
      if counts_runs(all[kind].bounds) then call('HINCRBY', meta, 'run:' .. kind, #started[kind]) end
      note_rates(all[kind].bounds, #started[kind], now)
      note_probes(all[kind].bounds, started[kind], now)
    end
  end
end

-- leave_kinds notes that jobs are about to leave running, for limits of kinds that count.
local function leave_kinds(envelopes)
  local all = kinds_declared(0)
  for k = 1, #envelopes do
    local kind = kind_of(envelopes[k])
    if all[kind] and counts_runs(all[kind].bounds) and call('HINCRBY', meta, 'run:' .. kind, -1) <= 0 then
      call('HDEL', meta, 'run:' .. kind)
    end
  end
  barred = set_meta('barred', '', barred) -- there may be room
end

-- count_at counts at gates of groups what jobs are by their envelopes, in the order in which these come.
local function count_at(envelopes)
  local n, order = {}, {}
  for i = 1, #envelopes do
    local group = group_of(envelopes[i] or nil)
    for _, at in ipairs(group and gates_at(kind_of(envelopes[i]), group) or {}) do
      if not n[at] then order[#order + 1] = at end
      n[at] = (n[at] or 0) + 1
    end
  end
  return n, order
end

-- enter_groups notes that jobs have started, at the gates of their groups.
local function enter_groups(envelopes, now)
  local n, order = count_at(envelopes)
  for _, at in ipairs(order) do
    if counts_runs(terms_at(at)) then call('ZINCRBY', gates, n[at], at) end
    note_rates(terms_at(at), n[at], now, at)
  end
end

-- open_at has the groups look again that wait at gates, in the order in which these have opened.
local function open_at(list)
  if #list == 0 or call('EXISTS', blocked) == 0 then return end
  local scores, last = {}, call('HINCRBY', meta, 'seats', #list)
  for i, at in ipairs(list) do
    scores[2 * i - 1], scores[2 * i] = last - #list + i, at
  end
  call('ZADD', blocked, 'XX', 'LT', unpack(scores))
end

-- leave_groups notes that jobs are about to leave running, at the gates of their groups.
local function leave_groups(envelopes)
  local n, order = count_at(envelopes)
  local freed = {}
  for _, at in ipairs(order) do
    if counts_runs(terms_at(at)) then
      if tonumber(call('ZINCRBY', gates, -n[at], at)) <= 0 then call('ZREM', gates, at) end
      freed[#freed + 1] = at
    end
  end
  open_at(freed)
end

-- RESULTS says which events tell a breaker that a job has succeeded, and which that it has failed. One that leaves by
-- another was no trial.
local RESULTS = {complete = true, fail = false, exhaust = false}

-- count_result notes the result of one job at a breaker.
local function count_result(b, t, id, result, now)
  if t.state == 'h' then
    local others, was = {}, false
    for _, probe in ipairs(probes_of(t)) do
      if probe == id then was = true else others[#others + 1] = probe end
    end
    if not was then return end -- it was claimed before
    if result == false then
      t.state, t.n, t.since, t.rest = 'o', now + b.cool, now, ''
      return
    end
    set_probes(t, others)
    if result then t.n = t.n + 1 end
    if t.n >= b.probes then t.state, t.n, t.since, t.rest = 'c', 0, 0, '' end
  elseif t.state == 'c' and result ~= nil then
    local at, list, failed, all = math.floor(now / b.width), {}, 0, 0
    for f, n in string.gmatch(t.rest, '(%d+),(%d+);') do list[#list + 1] = {tonumber(f), tonumber(n)} end
    if at < t.n or at - t.n >= 10 then list = {} end
    for _ = t.n + 1, #list > 0 and at or 0 do table.insert(list, 1, {0, 0}) end
    list[1] = list[1] or {0, 0}
    list[1] = {list[1][1] + (result and 0 or 1), list[1][2] + 1}
    t.n, t.rest = at, ''
    for i = 1, math.min(#list, 10) do
      failed, all = failed + list[i][1], all + list[i][2]
      t.rest = t.rest .. list[i][1] .. ',' .. list[i][2] .. ';'
    end
    if all >= b.min and failed * 1000 >= b.rate * all then t.state, t.n, t.since, t.rest = 'o', now + b.cool, now, '' end
  end
end

-- leave_breakers tells the breakers of limits how jobs leave running, ids from i to j; envelopes: theirs, where
-- something is declared of kinds.
local function leave_breakers(event, ids, i, j, envelopes, now)
  local all = kinds_declared(0)
  local stands, order = {}, {}
  for k = i, j do
    local g = all[kind_of(envelopes[k - i + 1] or nil) or '']
    for name in string.gmatch((bounds or '') .. ';' .. (g and g.bounds or ''), '([^,;/]+),%d+,%d+,%d+') do
      local b = breaker_of(name)
      if b and not stands[name] then
        stands[name] = read_breaker(name)
        order[#order + 1] = name
      end
      if b then count_result(b, stands[name], ids[k], RESULTS[event], now) end
    end
  end
  for _, name in ipairs(order) do write_breaker(name, stands[name]) end
  if kinds then barred = set_meta('barred', '', barred) end -- one may be tried
end

-- leave_limits notes for what limits count that jobs are about to leave running, ids from i to j, by an event.
local function leave_limits(event, ids, i, j, now)
  local counts, counts_in_groups = kinds and some_count(kinds_declared(0)), some_count(terms_in_groups())
  local envelopes = (counts or counts_in_groups or (kinds and breakers)) and call('HMGET', jobs, unpack(ids, i, j)) or {}
  if counts then leave_kinds(envelopes) end
  if counts_in_groups then leave_groups(envelopes) end
  if breakers then leave_breakers(event, ids, i, j, envelopes, now) end
end

-- recount_groups counts anew what runs at gates of groups, which is what n says.
local function recount_groups(n)
  local wrong = {}
  local before = call('ZRANGEBYSCORE', gates, '-inf', '(' .. COUNTS, 'WITHSCORES')
  for i = 1, #before, 2 do
    local at = before[i]
    local right = counts_runs(terms_at(at)) and n[at] or 0
    if right ~= tonumber(before[i + 1]) then
      wrong[#wrong + 1] = at
      if right == 0 then call('ZREM', gates, at) else call('ZADD', gates, right, at) end
    end
    n[at] = nil
  end
  for at, right in pairs(n) do
    if counts_runs(terms_at(at)) then call('ZADD', gates, right, at) end
  end
  open_at(wrong)
end

-- recount counts anew what runs, of kinds and in groups of which limits count that.
local function recount(all, names)
  local of_groups = {}
  local held, ids, n = (some_count(all) or some_count(terms_in_groups())) and call('HGETALL', running) or {}, {}, {}
  for i = 1, #held, 2 do
    if held[i] ~= '' then ids[#ids + 1] = held[i] end
  end
  for from = 1, #ids, 500 do
    local envelopes = call('HMGET', jobs, unpack(ids, from, math.min(from + 499, #ids)))
    for _, envelope in ipairs(envelopes) do
      local kind = kind_of(envelope)
      if kind then n[kind] = (n[kind] or 0) + 1 end
    end
    for at, more in pairs(group_limits and count_at(envelopes) or {}) do of_groups[at] = (of_groups[at] or 0) + more end
  end
  if group_limits then recount_groups(of_groups) end
  for _, kind in ipairs(names) do
    if counts_runs(all[kind].bounds) and n[kind] then
      call('HSET', meta, 'run:' .. kind, n[kind])
    else
      call('HDEL', meta, 'run:' .. kind)
    end
  end
end

-- note_kinds notes which kinds may not start, and forgets those of which there is nothing to
-- be known any more.
local function note_kinds(now)
  local all, names = kinds_declared(now)
  local waiting, list = call('ZMSCORE', lanes, unpack(names)), {}
  measure(all, names, now)
  for i, kind in ipairs(names) do
    local g = all[kind]
    if not is_closed(g.till, g.since, now) then g.till, g.since = 0, 0 end
    if waiting[i] and g.paused then
      list[#list + 1] = kind .. ',0,0;'
    elseif waiting[i] and g.room == 0 then
      list[#list + 1] = string.format('%s,%.0f,%.0f;', kind, math.max(g.opens, g.till), now)
    elseif waiting[i] and g.closed then
      list[#list + 1] = string.format('%s,%.0f,%.0f;', kind, g.till, g.since)
    end
  end
  declare(all, names, waiting)
  barred = set_meta('barred', table.concat(list), barred)
end

-- allowance gives how many jobs may start now; and, where none may, from when on, in ms.
local function allowance(now)
  local left, opens = room_under(bounds, nil, now)
  local till, since = string.match(kinds or '', '%*|0|(%d+)|(%d+)|')
  if till and is_closed(tonumber(till), tonumber(since), now) then left, opens = 0, math.max(opens, tonumber(till)) end
  return left, opens
end

-- note_shut notes until when no job may start, for those who look.
local function note_shut(now)
  local left, opens = allowance(now)
  if left == 0 then
    gate = string.format('%.0f,%.0f', opens, now)
    call('HSET', meta, 'gate', gate)
  elseif gate then
    gate = false
    call('HDEL', meta, 'gate')
  end
end

-- shut_until gives until when no job may start, nil if they may. A clock that was set back
-- ends it. That one must end first is believed for a while: programs that know no limits end
-- jobs, too, and take no note away.
local function shut_until(now)
  local opens, since = string.match(gate or '', '^(%d+),(%d+)$')
  opens, since = tonumber(opens), tonumber(since)
  if opens and since <= now and opens > now and (opens < FAR or since + 5000 > now) then return opens end
end

-- next_start gives the ms at which the next job may start: one that is due, or one that waits
-- for a limit or for its kind.
local function next_start(due, now)
  local opens = shut_until(now)
  if opens and opens < FAR and ((ranked or 0) > 0 or call('EXISTS', ready, suspects, lanes) > 0) and opens < tonumber(due or FAR) then
    due = string.format('%.0f', opens)
  end
  for till, since in string.gmatch(barred or '', ',(%d+),(%d+);') do
    if is_closed(tonumber(till), tonumber(since), now) and tonumber(till) < tonumber(due or FAR) then due = till end
  end
  if group_limits then
    local first = call('ZRANGEBYSCORE', blocked, string.format('(%.0f', now), string.format('(%.0f', FAR), 'WITHSCORES', 'LIMIT', 0, 1)[2]
    if first and tonumber(first) < tonumber(due or FAR) then due = first end
  end
  return due
end

-- claimable gives how many jobs any worker could claim now, and whether the queue is paused: for scripts that read
-- nothing else of it.
local function claimable()
  local now, m = clock(), call('HMGET', meta, 'paused', 'gate', 'ranked', 'group_limits')
  local paused = m[1] == '1'
  gate, ranked, group_limits = m[2], tonumber(m[3] or 0), m[4]
  return in_line(paused or (gate and shut_until(now)), now), paused
end
