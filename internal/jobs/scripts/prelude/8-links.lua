-- Members of batches, and steps of flows.

-- Of the batches whose members are here, B with the link, which is the ID of the batch, has
-- "n|news|sealed|stored|completed|discarded|cancelled": n rises with every change of the row; news is the number under which it waits to be told,
-- 0 if nothing of it does; sealed 1 once no more members come from outside; then how many were
-- stored, and how many of these have ended in each state. N with that number has the link.

-- A step of a flow is a batch of one, whose link has two more parts behind points: which step it is, and
-- the how-manieth run. V with such a link has the result of its job until that is told.

-- is_step says whether a link is that of a step.
local function is_step(link) return string.find(link, '%.%w+%.%w+$') ~= nil end

-- begin_links notes that there are rows of batches, which programs must count by.
local function begin_links()
  if linked then return end
  call('HSET', meta, 'reports', reported and '3' or '2', 'format', FORMAT)
  open(reports)
  linked = true
end

-- link_of gives the batch of which a job is a member; as what its end has counted already,
-- 0 not at all, 1 to 3 as the states in a row; and where the link ends. nil if it is of none. See envelope.go.
local function link_of(envelope)
  local flags, at = string.byte(envelope, 2), first_extra(envelope)
  if not at or math.floor(flags / 4) % 2 == 0 then return end
  if math.floor(flags / 2) % 2 == 1 then at = at + 2 + (string.byte(envelope, at + 1) or 0) end -- what it is unique by
  local tag, size = string.byte(envelope, at, at + 1)
  if tag == 6 and size then return string.sub(envelope, at + 2, at + 1 + size), math.floor(flags / 8) % 4, at + 1 + size end
end

-- links gives a function that does what link_of does, for envelopes of which most are alike up
-- to the link: where that is so it compares and reads nothing.
local function links()
  local link, counted, upto, flags, front
  return function(envelope)
    if not link or string.byte(envelope, 2) ~= flags or string.sub(envelope, 15, upto) ~= front then
      link, counted, upto = link_of(envelope)
      if link then flags, front = string.byte(envelope, 2), string.sub(envelope, 15, upto) end
    end
    return link, counted
  end
end

-- row_of gives the row of a batch.
local function row_of(link)
  local row, i = {}, 0
  for number in string.gmatch(call('HGET', reports, 'B' .. link) or '0|0|0|0|0|0|0', '%d+') do
    i = i + 1
    row[i] = tonumber(number)
  end
  return row
end

-- row_text writes it.
local function row_text(row) return string.format('%.0f|%.0f|%.0f|%.0f|%.0f|%.0f|%.0f', unpack(row)) end

-- count_members changes the row of a batch by so many stored and ended in each state, and has
-- it told to the batch, unless that need not know.
local function count_members(link, by, sealed, quiet)
  begin_links()
  local row, t = row_of(link), call('TIME')
  row[1] = math.max(row[1] + 1, t[1] * 1000000 + t[2]) -- rises also over what Redis forgets
  if row[2] == 0 and not quiet then
    row[2] = call('HINCRBY', meta, 'news', 1)
    call('HSET', reports, 'N' .. string.format('%.0f', row[2]), link)
  end
  if sealed then row[3] = 1 end
  for i = 1, 4 do row[3 + i] = row[3 + i] + by[i] end
  call('HSET', reports, 'B' .. link, row_text(row))
end

-- leave_links counts the ends of members of batches among jobs, ids from i to j. One that an
-- operator had retried is counted already, and moves. result: of the one that there is, which a
-- step keeps.
local function leave_links(event, ids, i, j, result)
  local as = ({complete = 2, exhaust = 3, poison = 3, quarantine = 3, import = 3, lapse = 3})[event] or 4
  local all, order, link_in = {}, {}, links()
  for _, envelope in ipairs(call('HMGET', jobs, unpack(ids, i or 1, j or #ids))) do
    local link, counted = link_in(envelope or '')
    if link then
      local row = all[link]
      if not row then
        row = {0, 0, 0, 0}
        all[link] = row
        order[#order + 1] = link
      end
      if counted > 0 then row[counted + 1] = row[counted + 1] - 1 end
      row[as] = row[as] + 1
    end
  end
  for _, link in ipairs(order) do
    count_members(link, all[link])
    if result and result ~= '' and as == 2 and is_step(link) then call('HSET', reports, 'V' .. link, result) end
  end
end

-- counted_as gives an envelope whose job's end has counted as that of a state.
local function counted_as(envelope, state)
  local link, before = link_of(envelope)
  if not link then return envelope end
  local as = ({completed = 1, discarded = 2, cancelled = 3})[state] or 0
  return string.sub(envelope, 1, 1) .. string.char(string.byte(envelope, 2) + (as - before) * 8) .. string.sub(envelope, 3)
end
