-- Limits as they are declared, and those that a partition shares with others.

-- read_limit gives of a row of a limit its terms "most,every,burst", its kind, group or share where it is for each group
-- or shared, and its breaker; '' where it has none. nil: the row is no limit's.
local function read_limit(row)
  return string.match(row or '', '^%a+|%d+|%d+|(%d+,%d+,%d+),?([^|,]*),?([^|,]*),?([^|]*)|')
end

-- A limit that a partition shares with others is kept by a share of it: under =NAME limits has
-- "version|most|burst|freed", how many jobs may run here at once and how many starts at once, as of that version of
-- the share; and freed, in thousandths, the starts that were free and that its last change took away. See share.
local function read_share(name)
  local version, most, burst, freed = string.match(call('HGET', limits, '=' .. name) or '0|0|0|0', '^(%d+)|(%d+)|(%d+)|(%d+)$')
  return {version = tonumber(version), most = tonumber(most), burst = tonumber(burst), freed = tonumber(freed)}
end

local function write_share(name, share)
  call('HSET', limits, '=' .. name, string.format('%.0f|%.0f|%.0f|%.0f', share.version, share.most, share.burst, share.freed))
end

-- keep_share keeps of a share what a limit still has when its terms change.
local function keep_share(name, terms)
  local share = read_share(name)
  local most, every = string.match(terms, '^(%d+),(%d+),')
  if tonumber(most) == 0 then share.most = 0 end
  if tonumber(every) == 0 then share.burst = 0 end
  write_share(name, share)
end

-- rate_of gives the rate of a share, every and burst, of a limit with these terms; 0 and 0 if it has none.
local function rate_of(whole, share)
  local every, burst = string.match(whole, '^%d+,(%d+),(%d+)')
  if every == '0' or share.burst == 0 then return 0, 0 end
  return math.ceil(every * burst / share.burst), share.burst
end

-- share_terms gives the terms of a limit, "most,every,burst", for a share of it. Where that lets none start, it is a
-- rate of which none may start at once.
local function share_terms(whole, share)
  local most, every = string.match(whole, '^(%d+),(%d+),')
  local its_every, its_burst = rate_of(whole, share)
  if (most ~= '0' and share.most == 0) or (every ~= '0' and its_burst == 0) then
    return string.format('%s,%s,0', most, every ~= '0' and every or string.format('%.0f', FAR))
  end
  return string.format('%.0f,%.0f,%.0f', most ~= '0' and share.most or 0, its_every, its_burst)
end

-- limit_rows gives the terms of all limits as "name,most,every,burst": those of all jobs, of each kind, those in
-- groups as group_limits has them, breakers, those that are shared as "name,kind;", and how many they are. The other
-- fields are what pause has written, and shares.
local function limit_rows()
  local all, list, of, in_groups, with, shared, n = call('HGETALL', limits), {}, {}, {}, {}, {}, 0
  for i = 1, #all, 2 do
    local numbers, kind, held, breaker = read_limit(all[i + 1])
    if numbers then
      n = n + 1
      if breaker ~= '' then with[#with + 1] = all[i] .. ',' .. string.gsub(breaker, '%.', ',') .. ';' end
      if held == 'share' then
        shared[#shared + 1] = all[i] .. ',' .. kind .. ';'
        numbers = share_terms(numbers, read_share(all[i]))
      end
      local into = list
      if held == 'group' then
        into = in_groups
        numbers = numbers .. ',' .. kind .. ';'
      elseif kind ~= '' then
        of[kind] = of[kind] or {}
        into = of[kind]
      end
      into[#into + 1] = all[i] .. ',' .. numbers
      table.sort(into)
    end
  end
  table.sort(with)
  table.sort(shared)
  return list, of, table.concat(in_groups), table.concat(with), table.concat(shared), n
end

-- rebind has the limits hold as their rows are now, and gives what is declared of kinds, and these. Who calls it then
-- writes that, and says that there may be room.
local function rebind()
  local list, of, in_groups, with, shared = limit_rows()
  breakers = set_meta('breakers', with, breakers)
  set_meta('shares', shared, call('HGET', meta, 'shares'))
  bounds = set_meta('limits', table.concat(list, ';'), bounds)
  local all, names = kinds_declared(0)
  for kind in pairs(of) do declared_kind(all, names, kind) end
  for kind, g in pairs(all) do g.bounds = table.concat(of[kind] or {}, '/') end
  local _, since, were = '', 0, ''
  if group_limits then _, since, were = wait_notes() end
  if in_groups ~= were then
    if in_groups ~= '' or call('EXISTS', blocked) == 1 then
      set_wait_notes('0', since, in_groups) -- those that wait look again
    else
      group_limits = set_meta('group_limits', '', group_limits)
    end
    if in_groups == '' then call('DEL', gates) end
  end
  return all, names
end

-- look_anew has jobs looked at that waited for limits.
local function look_anew(all, names, paused)
  declare(all, names, #names > 0 and call('ZMSCORE', lanes, unpack(names)) or {})
  barred = set_meta('barred', '', barred)
  call('HDEL', meta, 'gate') -- there may be room; the next turn says
  if (ranked or 0) > 0 or next_due() or call('EXISTS', ready, suspects, lanes) > 0 then ring(paused) end
end

-- starts_free gives how many jobs may start at once by the rate of a share, in thousandths; 0 if it has none.
local function starts_free(name, whole, share, now)
  local every, burst = rate_of(whole, share)
  if burst == 0 then return 0 end
  return math.floor((now * 1000 + burst * every - rate(name, every, burst, now)) / every * 1000)
end

-- count_waiting gives how many jobs wait that a limit is for: of a kind, those that are aside; or all in line.
local function count_waiting(kind)
  if kind then return tonumber(call('ZSCORE', lanes, kind) or 0) end
  return call('LLEN', ready) + call('LLEN', suspects) + tonumber(call('HGET', meta, 'ranked') or 0)
end

-- facts_of gives of a limit that is shared {name, version, most, burst, running, waiting, freed, used}: its share; what
-- counts and runs, -1 if nobody counts it; what waits; and whether starts were taken up that come again with time, 1 or
-- 0. nil: it is not shared.
local function facts_of(name, now)
  local whole, kind, held = read_limit(call('HGET', limits, name))
  if held ~= 'share' then return end
  local share, of = read_share(name), kind ~= '' and kind or nil
  local run = string.sub(whole, 1, 2) == '0,' and -1 or count_running(of)
  local used = share.burst > 0 and starts_free(name, whole, share, now) < share.burst * 1000
  return {name, share.version, share.most, share.burst, run, count_waiting(of), share.freed, used and 1 or 0}
end
