-- Shared by every script, which the loader writes below it. The names of keys are
-- the locals that a script's own KEYS line makes.

-- The storage format of this program. Data of a newer one is refused.
local FORMAT = 1

local KEPT = 20 -- lines of a schedule's history

local function clock()
  local t = call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- newer returns the error to give for data of a newer format, or nil.
local function newer(format)
  if format and tonumber(format) > FORMAT then
    return redis.error_reply('FORMAT the schedules are of storage format ' .. format)
  end
end

-- check is newer for a script that may write: it marks new data with the format.
local function check()
  local format = call('HGET', meta, 'format')
  if not format then call('HSET', meta, 'format', FORMAT) end
  return newer(format)
end

-- lead returns the error to give to a leader whose term is over, or nil. What it
-- refuses is counted.
local function lead(term)
  local refused = check()
  if refused then return refused end
  local highest = call('HGET', meta, 'term') or '0'
  if tonumber(term) < tonumber(highest) then
    call('HINCRBY', meta, 'refused', 1)
    return redis.error_reply('TERM term ' .. term .. ' is over, ' .. highest .. ' has begun')
  elseif tonumber(term) > tonumber(highest) then
    call('HSET', meta, 'term', term)
  end
end

-- part takes a stored declaration apart: revision, source, text.
local function part(declaration)
  return string.match(declaration or '', '^(%d+)|([^|]*)|(.*)$')
end

-- schedule_of gives the schedule of an entry of the outbox, '' of a malformed one.
local function schedule_of(entry)
  return string.match(entry, '^([^@]*)@') or ''
end

-- note adds a line to the history of a schedule, and drops the oldest over KEPT.
local function note(id, line)
  local lines = (call('HGET', history, id) or '') .. line .. '\n'
  local _, n = string.gsub(lines, '\n', '')
  for _ = KEPT + 1, n do
    lines = string.sub(lines, string.find(lines, '\n', 1, true) + 1)
  end
  call('HSET', history, id, lines)
end
