#!lua flags=allow-oom
-- told notes that rows of batches were told, unless they have changed since. A repeat changes
-- nothing.
--
-- KEYS reports meta
-- ARGV gone ...
--   gone: 1 to drop the rows: the batches are gone, or never were; then for each row its link
--   and its number n, or '' for whatever it is.
-- Returns how many were settled.
-- Errors FORMAT.
local refused = check()
if refused then return refused end
local settled = 0
for i = rest, #ARGV, 2 do
  local link, n = ARGV[i], ARGV[i + 1]
  local row = row_of(link)
  if row[1] > 0 and (n == '' or tonumber(n) == row[1]) then
    if row[2] > 0 then
      call('HDEL', reports, 'N' .. string.format('%.0f', row[2]))
      call('HINCRBY', meta, 'settled', 1)
      settled = settled + 1
      row[2] = 0
    end
    if is_step(link) then call('HDEL', reports, 'V' .. link) end
    if gone == '1' then
      call('HDEL', reports, 'B' .. link)
    else
      call('HSET', reports, 'B' .. link, row_text(row))
    end
  end
end
local m = call('HMGET', meta, 'news', 'news_from')
local at, last = tonumber(m[2] or 1), tonumber(m[1] or 0)
for _ = 1, 1000 do -- what was told is passed over from now on
  if at > last or call('HEXISTS', reports, 'N' .. string.format('%.0f', at)) == 1 then break end
  at = at + 1
end
if at > tonumber(m[2] or 1) then call('HSET', meta, 'news_from', string.format('%.0f', at)) end
if linked then shut_reports() end
return settled
