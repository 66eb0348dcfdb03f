-- Where jobs wait that are not in ready: lanes by kind, priority and group, and the rings by which groups take turns.

-- priority_of gives the priority of a job by its envelope. See envelope.go.
local function priority_of(envelope)
  return math.floor((string.byte(envelope or '', 2) or 0) / 32) % 4
end

-- The places in a lane of jobs of each priority count up from here at its end, and down at its
-- front, less than WIDTH either way.
local PLACES = {[0] = 1e15, 1.4e15, 6e14, 2e14}
local WIDTH = 2e14

-- priority_at gives the priority that a place stands for.
local function priority_at(place)
  return ({[0] = 3, 2, 0, 1})[math.floor(tonumber(place) / (2 * WIDTH))]
end

-- stands_apart says whether a job that is in line is elsewhere than in ready, by its envelope.
local function stands_apart(envelope)
  return (string.byte(envelope or '', 2) or 0) >= 32
end

-- count_ranked changes how many jobs are in line elsewhere than in ready.
local function count_ranked(by)
  ranked = call('HINCRBY', meta, 'ranked', by)
end

-- Where the places of each priority begin and end, as slots have it.
local EDGES = {}
for priority, place in pairs(PLACES) do
  EDGES[priority] = {string.format('/%016.0f', place - WIDTH), string.format('/%016.0f', place + WIDTH)}
end

-- slots_of gives the next n slots of a lane that jobs of a priority have, behind one of them if that
-- is given.
local function slots_of(lane, priority, n, behind)
  local from, to = '[' .. lane .. EDGES[priority][1], '(' .. lane .. EDGES[priority][2]
  return call('ZRANGEBYLEX', parked, behind and '(' .. behind or from, to, 'LIMIT', 0, n)
end

-- lane_of gives the line and the group of a lane, which is '' where it has those of none.
local function lane_of(lane)
  return string.match(lane, '^([^#]*)#?(.*)$')
end

-- seat_of names what route has of a group's seat.
local function seat_of(line, priority, group)
  return RING .. line .. '/' .. priority .. '/' .. group
end

-- groups_in counts the groups that have jobs of a priority in a line.
local function groups_in(line, priority)
  local function bound(by) return '(' .. RING .. line .. string.format('/%016.0f', PLACES[priority] + by) end
  return call('ZLEXCOUNT', parked, bound(-WIDTH), bound(WIDTH)) - call('HEXISTS', route, seat_of(line, priority, ''))
end

-- is_waiting says whether a group waits, by what route has of it.
local function is_waiting(at)
  return string.sub(at, 2, 2) == WAITING
end

-- seat_slot gives the slot of a group in a line by what route has of it: a seat, or where it waits.
local function seat_slot(at, line, group)
  return at .. '/' .. (is_waiting(at) and line or group)
end

-- take_seats seats groups in a ring by numbers, or at the end of all rings, in their order.
local function take_seats(line, priority, groups, numbers)
  local last, routes, slots = numbers and 0 or call('HINCRBY', meta, 'seats', #groups), {}, {}
  for i, group in ipairs(groups) do
    local number = numbers and numbers[i] or last - #groups + i
    local slot = RING .. line .. string.format('/%016.0f', PLACES[priority] + number)
    routes[2 * i - 1], routes[2 * i] = seat_of(line, priority, group), slot
    slots[2 * i - 1], slots[2 * i] = 0, slot .. '/' .. group
  end
  call('HSET', route, unpack(routes))
  call('ZADD', parked, unpack(slots))
end

-- enter_ring has groups of a priority take turns in a line, those that do not yet and wait for nothing,
-- and gives how many these are.
local function enter_ring(line, priority, groups)
  local seats, first = {}, {}
  for i, group in ipairs(groups) do seats[i] = seat_of(line, priority, group) end
  for i, seat in ipairs(call('HMGET', route, unpack(seats))) do
    if not seat then first[#first + 1] = groups[i] end
  end
  if #first > 0 then take_seats(line, priority, first) end
  return #first
end

-- leave_ring ends the turns of groups that have no more jobs of a priority in a line. Jobs of no
-- group take none where there are no groups at all.
local function leave_ring(line, priority, groups)
  local seats, slots = {}, {}
  for i, group in ipairs(groups) do seats[i] = seat_of(line, priority, group) end
  for i, slot in ipairs(call('HMGET', route, unpack(seats))) do
    if slot then slots[#slots + 1] = seat_slot(slot, line, groups[i]) end
  end
  if #slots > 0 then
    call('HDEL', route, unpack(seats))
    call('ZREM', parked, unpack(slots))
  end
  local left = call('ZRANGEBYLEX', parked, '[' .. RING, '+', 'LIMIT', 0, 5) -- they have a seat for each priority at most
  for _, slot in ipairs(left) do
    if string.sub(slot, -1) ~= '/' then return end
  end
  for _, slot in ipairs(left) do
    local place = string.match(slot, '/(%d+)/')
    call('HDEL', route, seat_of(RANKED, priority_at(place), ''))
    call('ZREM', parked, slot)
  end
end

-- set_aside puts jobs that are in no index at the end of a line, in their order; or in front, the
-- last of them foremost; those of a group among its jobs there. envelopes: theirs, where they are at hand.
-- It gives how many are of no group, and how many groups take turns for them that did not before.
local function set_aside(line, ids, front, envelopes)
  local routes, slots, last = {}, {}, call('HINCRBY', meta, 'parked', #ids)
  local groups, noted, met = {}, {}, 0
  envelopes = envelopes or (ranked and call('HMGET', jobs, unpack(ids))) or {}
  for i = 1, #ids do
    local priority, group = priority_of(envelopes[i]), grouped and group_of(envelopes[i])
    local n, place, lane = last - #ids + i, PLACES[priority], line
    if group then
      lane = line .. '#' .. group
      groups[priority] = groups[priority] or {}
      if not noted[priority .. group] then table.insert(groups[priority], group) end
      noted[priority .. group] = true
    else
      met = met + 1
    end
    local slot = lane .. '/' .. string.format('%016.0f', front and place - n or place + n)
    routes[2 * i - 1], routes[2 * i] = ids[i], slot
    slots[2 * i - 1], slots[2 * i] = 0, slot .. '/' .. ids[i]
  end
  call('HSET', route, unpack(routes))
  call('ZADD', parked, unpack(slots))
  for priority, its in pairs(groups) do met = met + enter_ring(line, priority, its) end
  if line == RANKED then count_ranked(#ids) else call('ZINCRBY', lanes, #ids, line) end
  return met
end

-- asides are the jobs that go aside in this call: of each kind in their order, and the kinds
-- in theirs; first is the place of the priority that is the highest among those of a kind, or of
-- a lane of a group.
local asides = {of = {}, kinds = {}, first = {}}

-- put_aside has a job go aside, that lane being the one that it will be in.
local function put_aside(kind, lane, id, place)
  asides.first[lane] = math.min(asides.first[lane] or place, place)
  if not asides.of[kind] then
    asides.of[kind] = {}
    table.insert(asides.kinds, kind)
  end
  table.insert(asides.of[kind], id)
end

-- has_jobs says whether a lane has jobs of a priority or a higher one, which has that place.
local function has_jobs(lane, place)
  local to = lane .. string.format('/%016.0f', place + WIDTH)
  return #call('ZRANGEBYLEX', parked, '[' .. lane .. '/', '(' .. to, 'LIMIT', 0, 1) > 0
end

-- is_behind says whether jobs of a kind are aside that are of a priority or a higher one, which has
-- that place.
local function is_behind(kind, place)
  if (asides.first[kind] or math.huge) <= place then return true end
  if not ranked then return call('ZSCORE', lanes, kind) end
  return has_jobs(kind, place) or (grouped and has_jobs(RING .. kind, place))
end

-- barred_in_group gives the line into which a job goes aside, since limits in its group let it not start: that of
-- its kind; or, if it is in none, the one that it will be looked at again in. nil: it may start.
local function barred_in_group(kind, envelope, place, lined, lane)
  local group = group_of(envelope)
  if not group then return end
  local all = terms_in_groups()
  local own = kind .. '#' .. group
  if all[kind] and kind ~= lane and (room_at(kind .. '=' .. group) == 0 or
    (lined and ((asides.first[own] or math.huge) <= place or has_jobs(own, place)))) then
    return kind, own
  end
  if not lined and all[''] and room_at('=' .. group) == 0 then return RANKED, RANKED .. '#' .. group end
end

-- gates_of gives the lines into which a job may go aside, by what is declared of them.
local function gates_of(kind, envelope)
  local group = halted and group_of(envelope)
  if not group then return {kind} end
  return {kind .. '=' .. group, '=' .. group, kind}
end

-- bars says whether a job may not start yet as far as its kind and group go, and has it go aside
-- then. One that is in line does not overtake those that are aside already, unless they are of a
-- lower priority. all: as kinds_declared gives it; lane: the one that it is in, if any.
local function bars(all, kind, id, envelope, lined, lane)
  local place = PLACES[priority_of(envelope)]
  for _, name in ipairs(gates_of(kind, envelope)) do
    local gate = name ~= lane and all[name]
    if gate and (gate.closed or gate.room == 0 or (lined and is_behind(name, place))) then
      put_aside(name, name, id, place)
      return true
    end
  end
  if not group_limits then return false end
  local line, its = barred_in_group(kind, envelope, place, lined, lane)
  if line then put_aside(line, its, id, place) end
  return line ~= nil
end

-- flush_asides writes them.
local function flush_asides()
  for _, kind in ipairs(asides.kinds) do set_aside(kind, asides.of[kind]) end
end
