#!lua
-- look gives the leader the schedules that are due, the earliest first. A repeat
-- looks again.
--
-- KEYS next declarations meta
-- ARGV term limit
-- Returns {now_ms, next_ms, due}: next_ms of the earliest of all schedules, '' if
--   there is none; due a list of id, tick_ms and declaration, '' where it is missing.
-- Errors TERM, FORMAT.
local refused = lead(term)
if refused then return refused end
local now = clock()
local first = call('ZRANGE', next, 0, 0, 'WITHSCORES')
local found = call('ZRANGEBYSCORE', next, '-inf', now, 'WITHSCORES', 'LIMIT', 0, limit)
local due = {}
for i = 1, #found, 2 do
  due[#due + 1] = found[i]
  due[#due + 1] = found[i + 1]
  due[#due + 1] = call('HGET', declarations, found[i]) or ''
end
return {now, first[2] or '', due}
