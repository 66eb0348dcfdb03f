#!lua flags=no-writes
-- list names the flows of a shard, the newest first.
--
-- KEYS index
-- ARGV offset limit
-- Returns a list of IDs, each with the ms when it was made.
return call('ZREVRANGE', index, offset, offset + limit - 1, 'WITHSCORES')
