#!lua flags=no-writes
-- list names flows of a shard: the newest first, or of those that have not ended the oldest first.
--
-- KEYS index living
-- ARGV which limit
--   which: latest or living.
-- Returns a list of IDs, each with the ms when it was made.
if which == 'living' then return call('ZRANGE', living, 0, limit - 1, 'WITHSCORES') end
return call('ZREVRANGE', index, 0, limit - 1, 'WITHSCORES')
