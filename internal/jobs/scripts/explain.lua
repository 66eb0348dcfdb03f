#!lua flags=no-writes
-- explain says what holds a job up, at one moment and at a bounded cost.
--
-- KEYS jobs ready scheduled running counts suspects cancels route parked gates meta
-- ARGV id look
--   look: entries of the line that are looked at for the job.
-- Returns {now_ms, state, due_ms or '', paused, aside, suspect, cancelled, ahead, line, limits,
--   kind_paused, rest_ms or '', above, groups_above, others, group_paused, both_paused}:
--   state '' if it does not live; flags 1 or 0: aside for a worker that serves its kind; ahead:
--   how many are in front of it in its line of so many, -1 if it is behind those that were
--   looked at, or aside; in its line are those of its priority, and of its group; limits: of those that let no job start, of all or of its kind, name,
--   opens_ms, which is '' where one must end first, how many run that count, and o or h if its breaker is open or being tried, else ''; rest_ms: before
--   when none of its kind starts, since a handler has asked for that; above: how many of no group are in line of
--   a higher priority, and groups_above of how many groups others are; others: how many others take turns with
--   its group, jobs of no group being one of them.
local refused, paused = check()
if refused then return refused end
local now = clock()
if id == '' or call('HEXISTS', jobs, id) == 0 then
  return {now, '', '', 0, 0, 0, 0, -1, 0, {}, 0, '', 0, 0, 0, 0, 0}
end
local state, due = live_state(id)
local slot = call('HGET', route, id)
local aside, suspect, ahead, line, above = slot and 1 or 0, 0, -1, 0, 0
local groups_above, others = 0, 0
local envelope = call('HGET', jobs, id)

if state == 'available' and ranked then
  local priority, lane = priority_of(envelope), slot and string.match(slot, '^[^/]*')
  -- bound gives a place in a lane, relative to where those of the job's priority are.
  local function bound(of, by) return of .. string.format('/%016.0f', PLACES[priority] + by) end
  above = call('ZLEXCOUNT', parked, '[' .. RANKED .. '/', '(' .. bound(RANKED, -WIDTH))
  if priority == 1 then above = above + call('LLEN', ready) end
  if slot and lane_of(lane) == RANKED then
    aside = 0
    line = call('ZLEXCOUNT', parked, '[' .. bound(lane, -WIDTH), '(' .. bound(lane, WIDTH))
    ahead = call('ZLEXCOUNT', parked, '[' .. bound(lane, -WIDTH), '(' .. slot .. '/')
  end
  if grouped then
    for _, higher in ipairs({3, 2, 0, 1}) do
      if higher == priority then break end
      groups_above = groups_above + groups_in(RANKED, higher)
    end
    local its = group_of(envelope)
    others = groups_in(RANKED, priority)
    local seat = its and call('HGET', route, seat_of(RANKED, priority, its))
    if seat and not is_waiting(seat) then others = others - 1 end
    if its then others = others + call('HEXISTS', route, seat_of(RANKED, priority, '')) end
    if aside == 1 then others = 0 end
  end
end
if state == 'available' and not slot then
  local list = ready
  local _, rescued = tally(id)
  if rescued >= SUSPECT then
    list, suspect = suspects, 1
  end
  line = call('LLEN', list)
  local at = call('LPOS', list, id, 'RANK', -1, 'MAXLEN', look)
  if at then ahead = line - 1 - at end
end

-- Each limit by itself.
local shut = {}
local function look_at(terms, kind, run, at)
  for one in string.gmatch(terms, '[^;/]+') do
    local left, opens = room_under(one, kind, now, at)
    if left == 0 then
      shut[#shut + 1] = string.match(one, '^[^,]+')
      shut[#shut + 1] = opens < FAR and string.format('%.0f', opens) or ''
      shut[#shut + 1] = run
      local name = string.match(one, '^[^,]+')
      local stands = breaker_of(name) and breaker_room(name, now) == 0 and read_breaker(name).state
      shut[#shut + 1] = stands or ''
    end
  end
end
look_at(bounds or '', nil, math.max(call('HLEN', running) - 1, 0)) -- one field is the filler

local kind = kind_of(envelope)
local declared = kinds_declared(now)
local its, rest_ms = kind and declared[kind], 0
local group = group_of(envelope)
local of_group, of_both = group and declared['=' .. group], group and kind and declared[kind .. '=' .. group]
if of_group or of_both then aside = 0 end
if its then
  aside = 0 -- if it is, then since something is declared of its kind
  look_at(its.bounds, kind, tonumber(call('HGET', meta, 'run:' .. kind) or 0))
end
if group_limits and group then
  if kind and terms_in_groups()[kind] then aside = 0 end -- likewise
  for _, at in ipairs(gates_at(kind, group)) do look_at(terms_at(at), nil, count_running(nil, at), at) end
end
for _, of in pairs({its or false, declared['*'] or false, of_group or false, of_both or false}) do
  if of and is_closed(of.till, of.since, now) then rest_ms = math.max(rest_ms, of.till) end
end
return {now, state, due or '', paused and 1 or 0, aside, suspect, call('HEXISTS', cancels, id), ahead, line, shut,
  its and its.paused and 1 or 0, rest_ms > 0 and string.format('%.0f', rest_ms) or '', above, groups_above, others,
  of_group and of_group.paused and 1 or 0, of_both and of_both.paused and 1 or 0}
