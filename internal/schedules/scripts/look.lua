#!lua flags=allow-oom
-- look gives the leader the schedules that are due, the earliest first. A repeat
-- looks again. It works beside a full memory, as fire does.
--
-- KEYS next declarations outbox meta
-- ARGV term offset limit
--   offset: how many of those that are due are passed over.
-- Returns {now_ms, next_ms, pending, due}: next_ms of the earliest that is not due
--   yet, '' if there is none; pending: entries of the outbox; due a list of id,
--   tick_ms and declaration, '' where it is missing.
-- Errors TERM, FORMAT.
local refused = lead(term)
if refused then return refused end
local now = clock()
local later = call('ZRANGEBYSCORE', next, '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local found = call('ZRANGEBYSCORE', next, '-inf', now, 'WITHSCORES', 'LIMIT', offset, limit)
local due = {}
for i = 1, #found, 2 do
  due[#due + 1] = found[i]
  due[#due + 1] = found[i + 1]
  due[#due + 1] = call('HGET', declarations, found[i]) or ''
end
return {now, later[2] or '', call('ZCARD', outbox), due}
