#!lua flags=no-writes
-- explain says what holds a job up, at one moment and at a bounded cost.
--
-- KEYS jobs ready scheduled running counts suspects cancels route meta
-- ARGV id look
--   look: entries of the line that are looked at for the job.
-- Returns {now_ms, state, due_ms or '', paused, aside, suspect, cancelled, ahead, line, limits}:
--   state '' if it does not live; flags 1 or 0: aside for a worker that serves its kind; ahead:
--   how many are in front of it in its line of so many, -1 if it is behind those that were
--   looked at; limits: of those that let no job start, name and opens_ms each, which is '' where
--   one must end first.
local refused, paused = check()
if refused then return refused end
local now = clock()
if id == '' or call('HEXISTS', jobs, id) == 0 then
  return {now, '', '', 0, 0, 0, 0, -1, 0, {}}
end
local state, due = live_state(id)
local aside, suspect, ahead, line = call('HEXISTS', route, id), 0, -1, 0
if state == 'available' and aside == 0 then
  local list = ready
  local _, rescued = tally(id)
  if rescued >= SUSPECT then
    list, suspect = suspects, 1
  end
  line = call('LLEN', list)
  local at = call('LPOS', list, id, 'RANK', -1, 'MAXLEN', look)
  if at then ahead = line - 1 - at end
end

-- Each limit by itself.
local shut, all = {}, bounds or ''
for one in string.gmatch(all, '[^;]+') do
  bounds = one
  local left, opens = allowance(now)
  if left == 0 then
    shut[#shut + 1] = string.match(one, '^[^,]+')
    shut[#shut + 1] = opens < FAR and string.format('%.0f', opens) or ''
  end
end
return {now, state, due or '', paused and 1 or 0, aside, suspect, call('HEXISTS', cancels, id), ahead, line, shut}
