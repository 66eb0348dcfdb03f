-- Shared by the scripts, which the loader writes below it. The names of keys are the locals
-- that a script's own KEYS line makes.

-- clock is Redis's time in ms, or the one that a test says.
local function clock(now_ms)
  if now_ms ~= '' then return tonumber(now_ms) end
  local t = call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- remove takes a session away.
local function remove(id)
  local row = call('HGET', sessions, id)
  call('ZREM', ends, id)
  if not row then return end
  call('HDEL', sessions, id)
  local user = string.match(row, '^%d+|%d+|%w+|(.*)$')
  local left = {}
  for other in string.gmatch(call('HGET', owners, user) or '', '%w+') do
    if other ~= id then left[#left + 1] = other end
  end
  if #left > 0 then
    call('HSET', owners, user, table.concat(left, ' '))
  else
    call('HDEL', owners, user)
  end
end
