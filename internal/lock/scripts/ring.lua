#!lua flags=allow-oom
-- ring puts a bell back that was heard by somebody who waits no longer.
--
-- KEYS bell
-- ARGV bell_ms
--   bell_ms: how long a bell that nobody hears stays.
-- Returns 'OK'.
-- Errors: none of its own.
-- Repeat: harmless; one who waits may look once for nothing.
if call('EXISTS', bell) == 0 then
  call('LPUSH', bell, '1')
  call('PEXPIRE', bell, bell_ms)
end
return 'OK'
