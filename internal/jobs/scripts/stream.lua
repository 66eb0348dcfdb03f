#!lua flags=no-writes
-- stream reads from a stream of a job.
--
-- KEYS jobs archive reports
-- ARGV id name offset limit
--   offset: in bytes, from the first that was ever written to it; limit: of bytes.
-- Returns {state, attempt, start, stop, data}: state live, ended or unknown; attempt that wrote
--   it, '' if none has; where what is there begins and ends; data from offset on, or from
--   start, if that is later.
offset, limit = tonumber(offset), tonumber(limit)
local state = 'unknown'
if call('HEXISTS', jobs, id) == 1 then state = 'live' elseif call('HEXISTS', archive, id) == 1 then state = 'ended' end
local list = string.match(call('HGET', reports, 'h' .. id) or '', '^%d+|%d+|%d+|[^|]*|(.*)$') or ''
for of, run, attempt, start, stop in string.gmatch(list, '([^=;]+)=(%d+),(%d+),(%d+),(%d+);') do
  if of == name then
    start, stop = tonumber(start), tonumber(stop)
    local from = math.max(offset, start) - start
    local till = math.min(stop - start, from + limit)
    local parts = {}
    for n = math.floor(from / SEGMENT), math.ceil(till / SEGMENT) - 1 do
      local segment = call('HGET', reports, 'g' .. id .. '/' .. name .. '/' .. n) or ''
      parts[#parts + 1] = string.sub(segment, math.max(from - n * SEGMENT, 0) + 1, till - n * SEGMENT)
    end
    return {state, attempt, start, stop, table.concat(parts)}
  end
end
return {state, '', 0, 0, ''}
