#!lua flags=allow-oom
-- drop removes all that a partition has, but for the answers to producers' last
-- calls: their names are not known here, and they expire. A repeat finds nothing.
--
-- KEYS jobs ready scheduled running leases turns counts errors suspects stale cancels archive completed cancelled discarded expiry seen ticks bell meta stats route lanes parked gates blocked limits uniques reports minute series minutegroups hourgroups
-- ARGV force
--   force: 1 drops live jobs, too, and keys of whatever type.
-- Returns how many live jobs there were, as far as they can be counted.
-- Errors NOTEMPTY: there are live jobs, and nothing was done.
local function count()
  return call('HLEN', jobs) - call('HEXISTS', jobs, '')
end
local live, counted = 0, true
if force == '1' then
  counted, live = pcall(count)
  if not counted then live = 0 end
else
  live = count()
  if live > 0 then
    return redis.error_reply('NOTEMPTY live jobs: ' .. live)
  end
end
call('UNLINK', jobs, ready, scheduled, running, leases, turns, counts, errors, suspects, stale, cancels,
  archive, completed, cancelled, discarded, expiry, seen, ticks, bell, meta, stats, route, lanes, parked, gates, blocked, limits, uniques, reports, minute, series,
  minutegroups, hourgroups)
return live
