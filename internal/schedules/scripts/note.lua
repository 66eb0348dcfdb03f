#!lua
-- note adds lines to the histories of schedules that exist. A repeat adds them
-- again.
--
-- KEYS declarations history meta
-- ARGV ...
--   for each: id and line.
-- Returns OK.
-- Errors FORMAT.
local refused = check()
if refused then return refused end
for i = rest, #ARGV, 2 do
  if call('HEXISTS', declarations, ARGV[i]) == 1 then note(ARGV[i], ARGV[i + 1]) end
end
return 'OK'
