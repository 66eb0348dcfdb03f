#!lua
-- groups notes that jobs of groups have run, for how many groups that were in a minute and in an
-- hour. That is an estimate, by HyperLogLogs (Flajolet et al., 2007): which groups it were is not
-- kept. A repeat within the minute changes nothing.
--
-- KEYS minutegroups hourgroups meta series
-- ARGV ...
--   names of groups, at most 500.
-- Returns 1; 0: there have been no jobs of groups, or they are gone with their queue.
-- Errors FORMAT; OOM from Redis itself, before anything is written.
local refused = check()
if refused then return refused end
if not grouped then return 0 end

-- count adds the groups to those of a minute or an hour: the first of it finds no row, and
-- takes what the key has away, which is of another one.
local function count(groups, field, lasts)
  if call('HEXISTS', series, field) == 0 then call('DEL', groups) end
  call('PFADD', groups, unpack(ARGV, rest))
  call('PEXPIRE', groups, lasts)
  call('HSET', series, field, call('PFCOUNT', groups))
end

local at = math.floor(clock() / 60000)
local hour = math.floor(at / 60)
start_rows(at, hour)
count(minutegroups, 'gm' .. at, 120000)
count(hourgroups, 'gh' .. hour, 7200000)
return 1
