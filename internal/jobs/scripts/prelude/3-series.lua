-- What ends is counted by the minute, for the series of the last hours and days.

-- What ends is counted by the minute of Redis's clock, for each kind, in the hash minute: its
-- fields are KIND|CODE. The codes c, d and x are jobs that were completed, discarded and
-- cancelled; f attempts that failed and are followed by another; s snoozes; wN and rN waits and
-- runs of so many us, N being a bucket of package histogram. The field '' has
-- "MINUTE|FILLER|KIND|KIND|": which minute it is, and the kinds.

local OTHER = 'other' -- stands for kinds that are not counted by their name
local KINDS = 64 -- of a minute that are
local CODES = {completed = 'c', discarded = 'd', cancelled = 'x', fail = 'f', snooze = 's'}

-- to_count is what this call has to count: by field, how many.
local to_count = {}

-- note_end has n jobs of the kind of an envelope counted. Scripts that end jobs call count_ends then.
local function note_end(envelope, code, n)
  local kind = kind_of(envelope)
  if not kind or not string.find(kind, '^[%w_.:-]+$') then kind = OTHER end
  local field = kind .. '|' .. code
  to_count[field] = (to_count[field] or 0) + n
end

-- When a minute is over, what was counted in it goes into the hash series: into the field
-- m and the number of the minute since the Unix epoch, and into that of its hour, h and
-- the number of the hour. Of each kind a row has "KIND|C,D,X,F,S|WAITS|RUNS;": numbers may be less than 0, where
-- what one takes back was told in the next minute, see finish_others of turn; and of waits
-- and runs each stretch of buckets "N:HOW MANY,HOW MANY,...", a / between two. The field ''
-- has the first minute and the first hour that may be there, "M|H". The fields gm and gh with
-- such a number have how many groups had jobs run then; see groups.lua.

local MINUTES, HOURS = 4320, 2160 -- that are kept: 72 h, and 90 days
local ROW = 8192 -- bytes of a row from which on the kinds of which least ended are put together
local GONE = 1000 -- old rows that one call removes

-- add_counts adds counts by kind to others.
local function add_counts(to, from)
  for kind, t in pairs(from) do
    local sum = to[kind] or {w = {}, r = {}}
    to[kind] = sum
    for code, n in pairs(t) do
      if type(n) == 'table' then
        for bucket, m in pairs(n) do sum[code][bucket] = (sum[code][bucket] or 0) + m end
      else
        sum[code] = (sum[code] or 0) + n
      end
    end
  end
end

-- counts_in reads a row.
local function counts_in(text)
  local all = {}
  for kind, c, d, x, f, s, waits, runs in string.gmatch(text, '([^|;]+)|(-?%d+),(-?%d+),(-?%d+),(-?%d+),(-?%d+)|([^|;]*)|([^|;]*);') do
    local t = {c = tonumber(c), d = tonumber(d), x = tonumber(x), f = tonumber(f), s = tonumber(s), w = {}, r = {}}
    for code, list in pairs({w = waits, r = runs}) do
      for first, stretch in string.gmatch(list, '(%d+):([%d,]+)') do
        local bucket = tonumber(first)
        for n in string.gmatch(stretch .. ',', '(%d*),') do
          if n ~= '' then t[code][bucket] = tonumber(n) end
          bucket = bucket + 1
        end
      end
    end
    all[kind] = t
  end
  return all
end

-- row_of_counts writes those of a kind.
local function row_of_counts(kind, t)
  local parts = {}
  for i, code in ipairs({'c', 'd', 'x', 'f', 's'}) do parts[i] = string.format('%.0f', t[code] or 0) end
  local lists = {}
  for i, code in ipairs({'w', 'r'}) do
    local buckets, text, last = {}, {}, nil
    for bucket in pairs(t[code]) do buckets[#buckets + 1] = bucket end
    table.sort(buckets)
    for _, bucket in ipairs(buckets) do
      if last and bucket - last <= 4 then -- a few commas are shorter than another number
        text[#text + 1] = string.rep(',', bucket - last)
      else
        text[#text + 1] = (last and '/' or '') .. bucket .. ':'
      end
      text[#text + 1] = string.format('%.0f', t[code][bucket])
      last = bucket
    end
    lists[i] = table.concat(text)
  end
  return kind .. '|' .. table.concat(parts, ',') .. '|' .. lists[1] .. '|' .. lists[2] .. ';'
end

-- row_of_all writes counts by kind. Where that is too much, the kinds of which least ended are
-- put together.
local function row_of_all(all)
  local names, rows, bytes = {}, {}, 0
  for kind, t in pairs(all) do
    names[#names + 1] = kind
    rows[kind] = row_of_counts(kind, t)
    bytes = bytes + #rows[kind]
  end
  if bytes > ROW then
    local function many(t) return (t.c or 0) + (t.d or 0) + (t.x or 0) + (t.f or 0) + (t.s or 0) end
    table.sort(names, function(a, b) return many(all[a]) > many(all[b]) end)
    local others, left = {[OTHER] = {w = {}, r = {}}}, ROW / 2
    for _, kind in ipairs(names) do
      if kind == OTHER or #rows[kind] > left then
        add_counts(others, {[OTHER] = all[kind]})
        rows[kind] = nil
      else
        left = left - #rows[kind]
      end
    end
    rows[OTHER] = row_of_counts(OTHER, others[OTHER])
  end
  local text = {}
  for _, row in pairs(rows) do text[#text + 1] = row end
  return table.concat(text)
end

-- drop_rows removes rows of a unit that are too old, and gives the first that may be there.
local function drop_rows(unit, first, last)
  local fields = {}
  local past = math.min(last + 1, first + GONE)
  for n = first, past - 1 do
    fields[#fields + 1] = unit .. n
    fields[#fields + 1] = 'g' .. unit .. n
  end
  if #fields > 0 then call('HDEL', series, unpack(fields)) end
  return math.max(first, past)
end

-- start_rows notes that there may be rows of a minute and of an hour.
local function start_rows(at, hour)
  local m, h = string.match(call('HGET', series, '') or '', '^(%d+)|(%d+)$')
  call('HSET', series, '', math.min(tonumber(m) or at, at) .. '|' .. math.min(tonumber(h) or hour, hour)) -- a clock may be set back
end

-- trim_series removes the rows that are too old at a minute, a bounded number.
local function trim_series(at)
  local row = call('HGET', series, '')
  if not row then return end
  local m, h = string.match(row, '^(%d+)|(%d+)$')
  m, h = drop_rows('m', tonumber(m), at - MINUTES), drop_rows('h', tonumber(h), math.floor(at / 60) - HOURS)
  if call('HLEN', series) == 1 then
    call('DEL', series)
  else
    call('HSET', series, '', m .. '|' .. h)
  end
end

-- end_minute puts what was counted in a minute into series.
local function end_minute(at)
  local found, all, hour = call('HGETALL', minute), {}, math.floor(at / 60)
  for i = 1, #found, 2 do
    local kind, code, bucket = string.match(found[i], '^(.*)|(%a)(%d*)$')
    if kind then
      local t = all[kind] or {w = {}, r = {}}
      all[kind] = t
      if bucket ~= '' then t[code][tonumber(bucket)] = tonumber(found[i + 1]) else t[code] = tonumber(found[i + 1]) end
    end
  end
  start_rows(at, hour)
  for _, field in ipairs({'m' .. at, 'h' .. hour}) do
    local sum = counts_in(call('HGET', series, field) or '')
    add_counts(sum, all)
    call('HSET', series, field, row_of_all(sum))
  end
  call('DEL', minute)
end

-- add_ends counts what has ended in this call: what is in to_count, and n sums that are
-- arguments from first on, each a kind, how many codes, and pairs of a code and how many.
local function add_ends(now, first, n)
  local at = math.floor(now / 60000)
  local row = call('HGET', minute, '')
  local of = row and tonumber(string.match(row, '^%d+'))
  if of and of ~= at then
    end_minute(of)
    trim_series(at)
    row = nil
  end
  local known = row or (at .. '|' .. FILLER .. '|')
  local _, names = string.gsub(known, '|', '')
  local function counted(kind)
    if string.find(known, '|' .. kind .. '|', 1, true) then return kind end
    if names >= KINDS + 2 then return OTHER end
    known, names = known .. kind .. '|', names + 1
    return kind
  end
  local fields, i = {}, first
  for _ = 1, n do
    local kind, codes = counted(ARGV[i]), tonumber(ARGV[i + 1])
    for k = i + 2, i + 2 * codes, 2 do
      fields[#fields + 1] = {kind .. '|' .. ARGV[k], ARGV[k + 1]}
    end
    i = i + 2 + 2 * codes
  end
  for field, m in pairs(to_count) do
    local kind, code = string.match(field, '^(.*)|(%a)$')
    fields[#fields + 1] = {counted(kind) .. '|' .. code, m}
  end
  to_count = {}
  if known ~= row then call('HSET', minute, '', known) end
  for k = 1, #fields do call('HINCRBY', minute, fields[k][1], fields[k][2]) end
end

-- count_ends is add_ends, whose failure it notes, as where somebody has made a key one of
-- another type: it must not end a call that has done something.
local function count_ends(now, first, n)
  if n == 0 and not next(to_count) then return end
  if not pcall(add_ends, now, first, n) then call('HINCRBY', stats, 'uncounted', 1) end
end

-- sweep_series puts a minute that is over into series, also where nothing else is counted, and
-- removes what is too old.
local function sweep_series(now)
  local at, row = math.floor(now / 60000), call('HGET', minute, '')
  local of = row and tonumber(string.match(row, '^%d+'))
  if of and of ~= at then end_minute(of) end
  trim_series(at)
end
