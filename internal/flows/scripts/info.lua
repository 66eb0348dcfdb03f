#!lua flags=no-writes
-- info gives what is known of a flow, at a cost that does not grow with it.
--
-- KEYS flow
-- ARGV id
-- Returns the fields.
-- Errors NOTFOUND.
return absent(id) or describe()
