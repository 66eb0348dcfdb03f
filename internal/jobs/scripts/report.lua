#!lua
-- report writes what handlers report of jobs that run: progress, a log, streams. It counts
-- only while running holds the token of the claim; a repeat of a claim's last report does
-- nothing.
--
-- KEYS running reports meta
-- ARGV ...
--   for each job its id, the token of its claim, the number of the report within the claim,
--   from 1, the attempt, the progress, '' for none; how many lines were dropped, how many there
--   are, and they, each with its length before it: "LENGTH:LINE"; how many streams were
--   written to, then the name of each and what was.
-- Returns for each job 1; 0: it is not under that claim any more.
-- Errors FORMAT; OOM from Redis itself, before anything is written.
local refused = check()
if refused then return refused end
local now = clock()

local LINES, BYTES = 1000, 131072 -- of the log of an attempt
local ALL_LINES, ALL_BYTES = 2000, 262144 -- and of a job
local STREAMS = 16

-- trimmed drops the first lines of a list of n, as many as are too many, and gives the list,
-- how many it has, and how many went.
local function trimmed(list, n, lines, bytes)
  local pos, gone = 1, 0
  while pos <= #list and (n - gone > lines or #list - pos + 1 > bytes) do
    local length, body = string.match(list, '^(%d+):()', pos)
    if not length then return '', 0, n end -- it is damaged
    pos, gone = body + length, gone + 1
  end
  return string.sub(list, pos), n - gone, gone
end

-- write_log adds lines to the log "attempt|dropped|lines|bytes|lines|", which is followed by the
-- lines of earlier attempts, which have so many bytes, and those of the attempt. It gives by
-- how many bytes the log has grown.
local function write_log(id, attempt, dropped, n, text)
  n, dropped = tonumber(n), tonumber(dropped)
  local row = call('HGET', reports, 'l' .. id) or ''
  local of, lost, n_old, size, n_new, at = string.match(row, '^(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|()')
  local old, new = '', ''
  if of then
    old, new = string.sub(row, at, at + size - 1), string.sub(row, at + size)
    if of ~= attempt then old, n_old, new, n_new = old .. new, n_old + n_new, '', 0 end
  end
  lost = tonumber(lost or 0) + dropped
  local gone, gone_old
  new, n_new, gone = trimmed(new .. text, tonumber(n_new or 0) + n, LINES, BYTES)
  old, n_old, gone_old = trimmed(old, tonumber(n_old or 0), ALL_LINES - n_new, ALL_BYTES - #new)
  local written = table.concat({attempt, lost + gone + gone_old, n_old, #old, n_new}, '|') .. '|' .. old .. new
  call('HSET', reports, 'l' .. id, written)
  return #written - #row
end

-- begin_run drops what earlier runs of a job wrote to its streams, and gives how many bytes that was.
local function begin_run(id, streams, run)
  local bytes = 0
  for name, s in pairs(streams) do
    if s.run ~= run then
      drop_stream(id, name, s.start, s.stop)
      bytes = bytes + s.stop - s.start
      s.start = s.stop
    end
  end
  return bytes
end

-- write_stream adds to a stream, segment by segment.
local function write_stream(id, name, s, data)
  local n, filled = math.floor((s.stop - s.start) / SEGMENT), (s.stop - s.start) % SEGMENT
  s.stop = s.stop + #data
  if filled > 0 then data = (call('HGET', reports, 'g' .. id .. '/' .. name .. '/' .. n) or '') .. data end
  for pos = 1, #data, SEGMENT do
    call('HSET', reports, 'g' .. id .. '/' .. name .. '/' .. n, string.sub(data, pos, pos + SEGMENT - 1))
    n = n + 1
  end
end

local done, i = {}, rest
while ARGV[i] do
  local id, token, number, attempt, progress, dropped, n, text, n_streams = unpack(ARGV, i, i + 8)
  i = i + 9
  local writes = {}
  for k = 1, tonumber(n_streams) do
    writes[k] = {ARGV[i], ARGV[i + 1]}
    i = i + 2
  end
  if call('HGET', running, id) ~= token then
    done[#done + 1] = 0
  else
    done[#done + 1] = 1
    local last, runs, bytes, before, list = string.match(call('HGET', reports, 'h' .. id) or '0|0|0||', '^(%d+)|(%d+)|(%d+)|([^|]*)|(.*)$')
    runs, bytes = tonumber(runs), tonumber(bytes)
    if before ~= token then runs, last = runs + 1, 0 end
    if tonumber(number) > tonumber(last) then
      begin_reports()
      local streams, order = {}, {}
      for name, run, of, start, stop in string.gmatch(list, '([^=;]+)=(%d+),(%d+),(%d+),(%d+);') do
        streams[name] = {run = tonumber(run), attempt = of, start = tonumber(start), stop = tonumber(stop)}
        order[#order + 1] = name
      end
      if progress ~= '' then
        bytes = bytes + #progress - call('HSTRLEN', reports, 'p' .. id)
        call('HSET', reports, 'p' .. id, progress)
      end
      if text ~= '' or dropped ~= '0' then bytes = bytes + write_log(id, attempt, dropped, n, text) end
      if #writes > 0 then bytes = bytes - begin_run(id, streams, runs) end
      for k = 1, #writes do
        local name, data = writes[k][1], writes[k][2]
        local s = streams[name]
        if not s then
          s = {start = 0, stop = 0}
          streams[name] = s
          order[#order + 1] = name
        end
        s.run, s.attempt = runs, attempt
        write_stream(id, name, s, data)
        bytes = bytes + #data
      end
      local rows, over = {}, #order - STREAMS
      for k = 1, #order do
        local s = streams[order[k]]
        if over > 0 and s.run ~= runs then
          over = over - 1 -- of an earlier run, with nothing in it
        else
          rows[#rows + 1] = string.format('%s=%d,%s,%.0f,%.0f;', order[k], s.run, s.attempt, s.start, s.stop)
        end
      end
      call('HSET', reports, 'h' .. id, string.format('%s|%d|%.0f|%s|', number, runs, bytes, token) .. table.concat(rows))
      local row = call('HGET', reports, 'w' .. id)
      if row then tell(row, 'r', now, 'report') end
    end
  end
end
return done
