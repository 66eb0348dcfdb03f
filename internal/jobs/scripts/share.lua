#!lua flags=allow-oom
-- share changes what a partition may have of a limit that it shares with others, and says what it has and needs. What
-- runs goes on. Starts that were free are not more after a change than before, but for those that come with it, so
-- that all shares together never let more start than the limit does. A repeat changes nothing, nor does an older one.
--
-- KEYS ready scheduled running suspects lanes blocked gates bell meta limits
-- ARGV name version most burst starts
--   version: of the share; most, burst: how many jobs may run here at once, and how many start at once; starts: in
--   thousandths, those that come with it.
-- Returns {name, version, most, burst, running, waiting, freed, used}, as facts_of gives it; empty: the partition has
--   no such limit.
-- Errors FORMAT.
local refused, paused = check(false)
if refused then return refused end
local now, before = clock(), read_share(name)
local whole, _, held = read_limit(call('HGET', limits, name))
if held == 'share' and tonumber(version) > before.version then
  local free, after = starts_free(name, whole, before, now), tonumber(burst) * 1000
  local left = math.min(free, after)
  local share = {version = tonumber(version), most = tonumber(most), burst = tonumber(burst), freed = free - left}
  write_share(name, share)
  left = math.min(left + tonumber(starts), after)
  local every, once = rate_of(whole, share)
  if once > 0 then
    call('HSET', meta, 'tat:' .. name, string.format('%.0f', now * 1000 + math.ceil((once - left / 1000) * every)))
  else
    call('HDEL', meta, 'tat:' .. name)
  end
  local all, names = rebind()
  look_anew(all, names, paused)
end
return facts_of(name, now) or {}
