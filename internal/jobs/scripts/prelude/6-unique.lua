-- Keys of unique jobs, when jobs must have started, and the way into running and out of it.

-- unique gives the key by which a job is unique, whether it is until its start, and for how
-- many ms after it completed its result stands for others; nil if it is not. See envelope.go.
local function unique(envelope)
  local at = first_extra(envelope)
  if not at or math.floor(string.byte(envelope, 2) / 2) % 2 == 0 then return end
  local fresh = 0
  if string.byte(envelope, at + 1) == 23 then
    for i = at + 19, at + 24 do fresh = fresh * 256 + string.byte(envelope, i) end
  end
  return string.sub(envelope, at + 3, at + 18), string.byte(envelope, at + 2) == 1, fresh
end

-- A row of uniques is "till|since|held|id": for how long, in ms, the key is taken at
-- least; since when it is; held 1 while the job has not ended it, 2 once it has completed and
-- its result stands for others until then, if it is kept; and the job.

local function parts_of_key(row)
  return string.match(row or '', '^(%d+)|(%d+)|([012])|(.*)$')
end

-- holder gives who has a key: nil if nobody has; else the id, whether that job still
-- holds it, since when, and until when at least. A job that is gone holds nothing,
-- whatever its row says: programs that know no keys end jobs, too. row is what uniques has, false
-- for nothing, where that is at hand.
local function holder(key, now, row)
  if row == nil then row = call('HGET', uniques, key) end
  local till, since, held, id = parts_of_key(row)
  if not till then return end
  local holds = held == '1' and call('HEXISTS', jobs, id) == 1
  till = tonumber(till)
  if held == '2' and call('HEXISTS', archive, id) == 0 then return end
  if holds or till > now then return id, holds, tonumber(since), till end
end

-- held_key gives the row of a key that a job has from now on.
local function held_key(id, now, till)
  return string.format('%.0f|%.0f|1|', till, now) .. id
end

-- take_keys gives keys to jobs, pairs of a key and its row, and notes that the queue has such jobs.
local function take_keys(rows)
  if not keyed then
    call('HSET', meta, 'unique', '1')
    keyed = true
  end
  open(uniques)
  call('HSET', uniques, unpack(rows))
end

-- give_keys ends what jobs hold by their envelopes; all of it, or what ends with their
-- start. What is taken for a time stays so.
local function give_keys(ids, envelopes, start, event)
  local now
  for i = 1, #ids do
    local key, started, fresh = unique(envelopes[i] or '')
    if key and (started or not start) then
      local till, since, held, id = parts_of_key(call('HGET', uniques, key))
      if held == '1' and id == ids[i] then
        now = now or clock()
        if event == 'complete' and now + fresh > math.max(now, tonumber(till)) then
          call('HSET', uniques, key, string.format('%.0f', now + fresh) .. '|' .. since .. '|2|' .. id)
        elseif tonumber(till) > now then
          call('HSET', uniques, key, till .. '|' .. since .. '|0|' .. id)
        else
          call('HDEL', uniques, key)
        end
      end
    end
  end
  shut(uniques)
end

-- Beside those of the archive, expiry has live jobs: by when each must have started. While
-- one runs that has not failed yet, its score is FAR later, so that it can be handed back
-- as one that has not started.

-- expires_at gives by when a job must have started, nil if it need not or has.
local function expires_at(id)
  local at = expiring and tonumber(call('ZSCORE', expiry, id) or FAR) or FAR
  if at < FAR then return at end
end

-- expire_at notes by when jobs must have started, pairs of a time and an id.
local function expire_at(pairs)
  if not expiring then
    call('HSET', meta, 'expiring', '1')
    expiring = true
  end
  call('ZADD', expiry, unpack(pairs))
end

-- leave_start ends what there was to be seen of when jobs start, ids from i to j.
local function leave_start(event, ids, i, j)
  if not expiring then return end
  if event ~= 'release' and event ~= 'divert' then
    call('ZREM', expiry, unpack(ids, i, j))
    return
  end
  for n = i, j do -- it was not tried
    local at = tonumber(call('ZSCORE', expiry, ids[n]) or 0)
    if at >= FAR then call('ZADD', expiry, string.format('%.0f', at - FAR), ids[n]) end
  end
end

-- A job goes into running, and out of running, jobs and the archive, by these alone:
-- what is to hold of every claim or every end is done here. event is what happens to
-- it, as drayhorse.Transitions calls it.

-- enter_running gives a claim's token to jobs.
local function enter_running(ids, token)
  local held = {}
  for i = 1, #ids do
    held[2 * i - 1] = ids[i]
    held[2 * i] = token
  end
  call('HSET', running, unpack(held))
end

-- leave_running takes jobs out of running, ids from i to j, and gives how many were
-- there.
local function leave_running(event, ids, i, j)
  if gate then -- there may be room
    call('HDEL', meta, 'gate')
    gate = false
  end
  leave_start(event, ids, i or 1, j or #ids)
  return call('HDEL', running, unpack(ids, i or 1, j or #ids))
end

-- leave_jobs ends the life of jobs that hold nothing, ids from i to j: their envelopes go.
local function leave_jobs(event, ids, i, j)
  call('HDEL', jobs, unpack(ids, i or 1, j or #ids))
end
