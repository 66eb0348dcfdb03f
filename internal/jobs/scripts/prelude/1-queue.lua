-- Shared by every script, which the loader writes below it; see script.go. The
-- names of keys are the locals that a script's own KEYS line makes. A script gets
-- the parts that it needs; what only a block with the line PRELUDE needs is made
-- there, when the block runs.

-- The storage format of this program. A queue of a newer one is refused. Those that have never
-- had members of batches stay of PLAIN, which programs read that know no batches.
local FORMAT = 2
local PLAIN = 1

local DAY = 86400000 -- ms that an ID of a caller's own stays taken after its end
local MONTH = 30 * DAY -- ms that cancelled and discarded jobs are kept at least
local ERRORS = 25 -- the last errors of a job that are kept
local STACKS = 3 -- of these, the last whose stacks are kept
local SUSPECT = 2 -- rescues that make a job a suspect
local ALONE = 3 -- workers that died with a job alone before it is discarded for it
local MEMORY = 3 * DAY -- ms for which a rescue counts
local FAR = 1e15 -- later than any time, in ms
local FILLER = '.................................................................' -- longer than a listpack takes

local function clock()
  local t = call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- Whether unique jobs have been in the queue, and jobs that expire, as check has seen it.
local keyed = false
local expiring = false

-- How many live jobs there may be, as check has seen it; false: any number.
local depth = false

-- Whether there is anything in reports, as check has seen it.
local reported = false

-- Whether there are rows of batches in reports, as check has seen it.
local linked = false

-- What limits the starts of jobs, as check has seen it; false: nothing. Each limit is
-- "name,most,every,burst", with a ; between two: most is how many run at once, 0 for any
-- number; every is how many us one start takes up, 0 where there is no rate; burst is how many
-- may start at once.
local bounds = false

-- The breakers of limits, as check has seen it; false: there are none. Of each "name,rate,min,window,cool,probes;":
-- it opens when of at least min jobs that ended within window ms rate of a thousand or more have failed; then
-- none starts for cool ms, and after that as many as probes: if all of these succeed it is closed again, and
-- if one fails it stays open as long again. Under brk:NAME meta has how it stands: "c|BUCKET|0|FAILED,ALL;..." while
-- it is closed, ten stretches of the window, the last one, whose number is BUCKET, first; "o|UNTIL|SINCE|" in ms while it
-- is open; and "h|SUCCEEDED|SINCE|" then, with the probes that run, each with its length, a byte, before it.
local breakers = false

-- "until,since", in ms, where a limit lets no job start: FAR where one must end first; false:
-- they may start.
local gate = false

-- What is declared of kinds of jobs, as check has seen it; false: nothing. For each kind
-- "kind|paused|till|since|bounds;", in the order of their names: paused 1 where none may start;
-- till the ms before which none may, and since when that is known, both 0 where there is none;
-- bounds their limits, with a / between two; of kinds of which a limit counts what runs, meta has
-- the number as run:KIND. A
-- kind of which nothing holds any more stays while jobs of it are in a lane, so that those in
-- line do not overtake them. The kind * stands for all jobs, =GROUP for those of a group and
-- KIND=GROUP for those of a kind in it: they go aside into a line of that name.
local kinds = false

-- Whether something is declared of groups, as check has seen it.
local halted = false

-- Of these, the kinds whose lanes nobody is to be told of, as check has seen it; false: none.
-- For each "kind,until,since;", in ms; until is 0 where it is paused.
local barred = false

-- A job's priority, as its envelope has it: 0 normal, 1 low, 2 high, 3 urgent. Those of normal
-- priority are in ready when they are in line, the others in a lane of their own, RANKED, which no
-- kind is called and lanes does not count. Every lane is in the order of priorities; see PLACES.
local RANKED = '!'

-- How many jobs are in line elsewhere than in ready, as check has seen it; false: the queue has never
-- had one of another priority than normal, nor of a group, and no envelope has to be read for it.
local ranked = false

-- A job of a group is in a lane of that group wherever it waits. A line is RANKED, where jobs are in
-- line, or a kind whose jobs are aside; the lane of a group there is called by the line, a # and the
-- group. The groups that have jobs of one priority in a line have a seat there, by which they take
-- turns: the lane RING with the name of the line has seats where other lanes have jobs. Numbers of
-- seats are one row over all lines. Those of no group are one more group, '', while there are
-- others, with a seat in the line alone. route has of each seat "RING line/priority/group", without the space.
local RING = '~'

-- Where in parked the lanes of the line end, which those of jobs aside follow; and where these end,
-- which rings follow.
local LINED = '("'
local ASIDE = '(' .. RING

-- Whether there have been jobs of groups, as check has seen it.
local grouped = false

-- Limits in groups hold for the jobs of each group by itself. Jobs meet them at gates: =GROUP for all
-- jobs of a group, KIND=GROUP for those of a kind in it. The zset gates has how many jobs run that
-- count at a gate, less than COUNTS; and, of each rate, under LIMIT/GATE when the next start would be on time, in us.
-- A group that may start nothing at a gate gives up its seat in a ring, and waits: the lane
-- RING WAITING GATE has then, in the place of its priority, the line where it had the seat. The
-- zset blocked has the gates that groups wait at, by the ms from which they are open: FAR where a
-- job must end first, and once one has, a number that is less than any time.
local WAITING = '?'
local COUNTS = 1e9
local RESTS = 100 -- groups that rest at once since handlers have said so, or that are paused

-- The limits in groups, as check has seen it; false: there are none, and no group waits.
-- "cursor,since|" and of each "name,most,every,burst,kind;" as in bounds, kind being empty where it is for
-- all jobs of a group. cursor: how far a scan of blocked has come after a change, - if there is nothing to
-- be looked at again; since: the ms when a group was last noted to wait for a time.
local group_limits = false

-- How many jobs have been picked by priority, modulo 512; see pick.
local picks = 0

-- check returns the error to give for a queue whose data is of a newer format, or
-- nil; whether the queue is paused; whether it has held large envelopes. Scripts that
-- put something in note the format; the others leave no key of a queue that is gone.
local function check(puts)
  local m = call('HMGET', meta, 'paused', 'format', 'large', 'unique', 'expiring', 'depth', 'reports', 'limits', 'gate', 'kinds', 'barred', 'ranked', 'picks', 'grouped', 'group_limits', 'breakers')
  if not m[2] then
    if puts then call('HSET', meta, 'format', PLAIN) end
  elseif tonumber(m[2]) > FORMAT then
    return redis.error_reply('FORMAT the queue is of storage format ' .. m[2])
  end
  keyed, expiring, depth = m[4] == '1', m[5] == '1', m[6] and tonumber(m[6])
  reported, linked = m[7] == '1' or m[7] == '3', m[7] == '2' or m[7] == '3'
  bounds, gate, kinds, barred = m[8], m[9], m[10], m[11]
  ranked, picks, grouped = m[12] and tonumber(m[12]), tonumber(m[13] or 0), m[14] == '1'
  group_limits, breakers = m[15], m[16]
  halted = grouped and kinds and string.find(kinds, '=', 1, true)
  return nil, m[1] == '1', m[3] == '1'
end

-- open makes sure that a hash is stored as a table: the listpack of a small hash
-- is scanned from end to end for every field.
local function open(hash)
  if call('EXISTS', hash) == 0 then
    call('HSET', hash, '', FILLER)
  end
end

-- shut removes a hash of which the filler alone is left.
local function shut(hash)
  if call('HLEN', hash) == 1 and call('HEXISTS', hash, '') == 1 then
    call('DEL', hash)
  end
end

-- ring wakes one idle worker, unless one is being woken already, and never for a
-- queue that is paused.
local function ring(paused)
  if not paused and call('EXISTS', bell) == 0 then
    call('LPUSH', bell, '1')
  end
end

-- wait_notes gives the parts of group_limits.
local function wait_notes()
  local cursor, since, terms = string.match(group_limits, '^([^,]*),(%d+)|(.*)$')
  return cursor, tonumber(since), terms
end

-- set_meta writes a field of meta that was before, false if it was not there; empty: it goes.
local function set_meta(field, value, before)
  if value == (before or '') then return before end
  if value == '' then
    call('HDEL', meta, field)
    return false
  end
  call('HSET', meta, field, value)
  return value
end

-- set_wait_notes writes them.
local function set_wait_notes(cursor, since, terms)
  group_limits = set_meta('group_limits', string.format('%s,%.0f|', cursor, since) .. terms, group_limits)
end

-- met_in gives how many entries a claim may meet in the lanes of the line: jobs of no group, groups that
-- take turns, and gates that have opened.
local function met_in(now)
  if not group_limits or call('EXISTS', blocked) == 0 then return ranked or 0 end
  local cursor, since = wait_notes()
  return call('ZLEXCOUNT', parked, '[' .. RANKED .. '/', '(' .. RANKED .. '0')
    + call('ZLEXCOUNT', parked, '[' .. RING .. RANKED .. '/', '(' .. RING .. RANKED .. '0')
    + call('ZCOUNT', blocked, '-inf', now) + ((cursor ~= '-' or now < since) and 1 or 0)
end

-- in_line and next_due are the one answer to whether there is something to claim, and
-- from when on: how many jobs any worker could claim now, none where the queue is
-- paused; and the ms at which the next one is due, with its id, nil if none is. Beside
-- them there are jobs that not every worker takes: suspects, and those in lanes.
local function in_line(paused, now)
  return paused and 0 or call('LLEN', ready) + met_in(now)
end

local function next_due()
  local first = call('ZRANGE', scheduled, '0', '0', 'WITHSCORES')
  return first[2], first[1]
end

-- parked_lanes names at most 100 lanes. Where there are more, each look sees others, as
-- its microsecond falls: so whoever serves the kind of any of them finds it.
local function parked_lanes()
  local first = call('ZRANGE', lanes, 0, 99)
  if #first < 100 then
    return first
  end
  local at = call('TIME')[2] % (call('ZCARD', lanes) + 99) - 99
  return call('ZRANGE', lanes, math.max(at, 0), at + 99)
end

-- is_closed says whether something is shut until then, as is known since then: a clock that was
-- set back opens it.
local function is_closed(till, since, now)
  return till > now and since <= now
end

-- has_any says whether there is anything in a lane.
local function has_any(lane)
  return #call('ZRANGEBYLEX', parked, '[' .. lane .. '/', '(' .. lane .. '0', 'LIMIT', 0, 1) > 0
end

-- open_lanes gives those of lanes that are not barred, and of which not all groups wait.
local function open_lanes(names, now)
  local closed, all = {}, {}
  local wait = group_limits and call('EXISTS', blocked) == 1
  for kind, till, since in string.gmatch(barred or '', '([^,;]+),(%d+),(%d+);') do
    till, since = tonumber(till), tonumber(since)
    closed[kind] = till == 0 or (is_closed(till, since, now) and (till < FAR or since + 5000 > now)) -- see shut_until
  end
  for _, lane in ipairs(names) do
    if not closed[lane] and not (wait and not has_any(lane) and not has_any(RING .. lane)) then all[#all + 1] = lane end
  end
  return all
end

-- kinds_declared gives what is declared of kinds, by kind, and the kinds in their order.
local function kinds_declared(now)
  local all, names = {}, {}
  for kind, paused, till, since, terms in string.gmatch(kinds or '', '([^|;]+)|([01])|(%d+)|(%d+)|([^;]*);') do
    names[#names + 1] = kind
    till, since = tonumber(till), tonumber(since)
    all[kind] = {paused = paused == '1', till = till, since = since, bounds = terms, closed = paused == '1' or is_closed(till, since, now)}
  end
  return all, names
end

-- declared_kind gives what is declared of a kind, which may be nothing yet.
local function declared_kind(all, names, kind)
  if not all[kind] then
    all[kind] = {paused = false, till = 0, since = 0, bounds = ''}
    names[#names + 1] = kind
    table.sort(names)
  end
  return all[kind]
end

-- declare writes what is declared of kinds, in the order of names. Those of which nothing
-- holds stay only while they have a lane; waiting says which of names have one.
local function declare(all, names, waiting)
  local list = {}
  for i, kind in ipairs(names) do
    local g = all[kind]
    if g.paused or g.till > 0 or g.bounds ~= '' or waiting[i] then
      list[#list + 1] = string.format('%s|%d|%.0f|%.0f|%s;', kind, g.paused and 1 or 0, g.till, g.since, g.bounds)
    end
  end
  kinds = set_meta('kinds', table.concat(list), kinds)
  halted = grouped and kinds and string.find(kinds, '=', 1, true)
end
