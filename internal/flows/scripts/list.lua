#!lua flags=no-writes
-- list names flows of a shard: the newest first, or of those that have not ended the oldest first.
--
-- KEYS index living
-- ARGV which limit before
--   which: latest or living; before: the ms before which the latest are to be made, '' for any.
-- Returns a list of IDs, each with the ms when it was made. Of the latest all come that were made
-- in the ms of the last one, beyond the limit too: the next page begins before that ms.
if which == 'living' then return call('ZRANGE', living, 0, limit - 1, 'WITHSCORES') end
local first = before == '' and 0 or call('ZCOUNT', index, before, '+inf')
local last = call('ZREVRANGE', index, first + limit - 1, first + limit - 1, 'WITHSCORES')[2]
local to = last and call('ZCOUNT', index, last, '+inf') - 1 or -1
return call('ZREVRANGE', index, first, to, 'WITHSCORES')
