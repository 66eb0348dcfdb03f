-- Who waits for jobs, what their handlers report, and their steps.

-- The fields of reports are a letter and a job's id. Of who waits for a job, w has
-- "channel,till,what,number;" for each process: till is the ms after which nobody listens
-- there any more; what is e for the end of the job, r for what is reported of it, too;
-- number is what the process calls the job. Of one that was waited for and kept nothing, t
-- has "till|event|ended_ms|failed".
--
-- What handlers report: h has "number|runs|bytes|token|streams", number that of the last
-- report under the token, runs how many claims have reported, bytes how many all of it has;
-- of each stream "name=run,attempt,start,stop;", where what is there of it begins and ends. p
-- has the progress, l the log; g, with "/name/n" behind the id, a segment of a stream.
--
-- What the steps of handlers came to: s has "n|waits|names": how many rows there are; of each
-- wait for a signal "name=since,till,state;", state o while it is open, t once a handler was
-- told that its time is over; the names of the signals that came, a ; behind each. Rows are
-- segments of the stream @, the signal of a name is the one of the stream @name, and all of
-- them count in h. Of a job that sleeps for signals, a has "till;name;", as step.lua explains.

local MISSED = 120000 -- ms for which it is known how a job ended that was waited for
local SEGMENT = 16384 -- bytes of a segment, but for the last one
local LINGER = 60000 -- ms for which a job with streams is kept at least, for those who read

-- tell sends a text to those who wait for a job; to those alone who wait for what is given.
local function tell(row, what, now, text)
  for channel, till, of, number in string.gmatch(row, '([^,;]+),(%d+),(%a),(%d+);') do
    if tonumber(till) > now and (not what or what == of) then
      pcall(call, 'PUBLISH', channel, number .. '|' .. text) -- the user may not be allowed to
    end
  end
end

-- shut_reports removes reports of which the filler alone is left.
local function shut_reports()
  shut(reports)
  if call('EXISTS', reports) == 0 then
    call('HDEL', meta, 'reports')
    reported, linked = false, false
  end
end

-- begin_reports notes that there is something in reports.
local function begin_reports()
  if reported then return end
  call('HSET', meta, 'reports', linked and '3' or '1')
  open(reports)
  reported = true
end

-- reported_of gives how many bytes were reported of a job, and whether there are streams.
local function reported_of(id)
  if not reported then return 0, false end
  local bytes, streams = string.match(call('HGET', reports, 'h' .. id) or '', '^%d+|%d+|(%d+)|[^|]*|(.*)$')
  return tonumber(bytes or 0), (streams or '') ~= ''
end

-- drop_stream drops what is there of a stream.
local function drop_stream(id, name, start, stop)
  local fields = {}
  for n = 0, math.ceil((stop - start) / SEGMENT) - 1 do
    fields[n + 1] = 'g' .. id .. '/' .. name .. '/' .. n
  end
  if #fields > 0 then call('HDEL', reports, unpack(fields)) end
end

-- steps_of gives how many rows the steps of a job have, its waits, and the names of its signals.
local function steps_of(id)
  local n, waits, names = string.match(call('HGET', reports, 's' .. id) or '0||', '^(%d+)|([^|]*)|(.*)$')
  return tonumber(n or 0), waits or '', names or ''
end

-- set_steps writes that again, and counts so many bytes more.
local function set_steps(id, n, waits, names, grown)
  begin_reports()
  call('HSET', reports, 's' .. id, n .. '|' .. waits .. '|' .. names)
  local last, bytes, others = string.match(call('HGET', reports, 'h' .. id) or '0|0|0||', '^(%d+|%d+)|(%d+)(|.*)$')
  call('HSET', reports, 'h' .. id, last .. string.format('|%.0f', bytes + grown) .. others)
end

-- wait_of gives until when a job waits for a signal, and in which state; nil if it does not.
local function wait_of(waits, name)
  for of, till, state in string.gmatch(waits, '([^=;]+)=%d+,(%d+),(%a);') do
    if of == name then return tonumber(till), state end
  end
end

-- drop_reports drops all that was reported of a job.
local function drop_reports(id)
  local head = call('HGET', reports, 'h' .. id)
  if not head then return end
  local n, _, names = steps_of(id)
  drop_stream(id, '@', 0, n * SEGMENT)
  for name in string.gmatch(names, '[^;]+') do drop_stream(id, '@' .. name, 0, SEGMENT) end
  for name, start, stop in string.gmatch(head, '([^=;|]+)=%d+,%d+,(%d+),(%d+);') do
    drop_stream(id, name, tonumber(start), tonumber(stop))
  end
  call('HDEL', reports, 'h' .. id, 'p' .. id, 'l' .. id, 's' .. id, 'a' .. id)
end

-- leave_reports tells those who wait for jobs, ids from i to j, how they ended, and drops
-- what was reported of those that are not kept.
local function leave_reports(event, ids, i, j)
  local now
  for from = i or 1, j or #ids, 1000 do
    local fields, till = {}, math.min(from + 999, j or #ids)
    for k = from, till do
      fields[#fields + 1] = 'w' .. ids[k]
      fields[#fields + 1] = 'h' .. ids[k]
    end
    local rows = call('HMGET', reports, unpack(fields))
    for k = from, till do
      local id, row, head = ids[k], rows[2 * (k - from) + 1], rows[2 * (k - from) + 2]
      local kept = (row or head) and call('HEXISTS', archive, id)
      if row then
        now = now or clock()
        local ended = string.format('%s|%.0f|%s', event, now, string.match(call('HGET', counts, id) or '', '^%d+') or '0')
        tell(row, nil, now, kept .. '|' .. ended)
        call('HDEL', reports, 'w' .. id)
        if kept == 0 and event ~= 'delete' then
          call('HSET', reports, 't' .. id, string.format('%.0f|', now + MISSED) .. ended)
        end
      end
      if head and kept == 0 then drop_reports(id) end
    end
  end
  shut_reports()
end
