#!/usr/bin/env bash
# Jobs over HTTP with curl: curl.sh URL [TOKEN]. It needs nothing else.
set -euo pipefail
url=$1 token=${2:-}

call() { # METHOD PATH [more of curl's arguments]: the answer's status and body
  curl --silent --show-error --max-time 30 --write-out '%{http_code}\n' --request "$1" \
    ${token:+--header "Authorization: Bearer $token"} "$url$2" "${@:3}"
}

job='{"kind": "welcome", "args": {"user_id": 42}, "in": "1h"}'
for _ in 1 2; do # the second time it is known already: no answer that was lost makes two jobs
  call POST /v1/jobs --header 'Content-Type: application/json' --header 'Idempotency-Key: welcome-42' --data "$job"
done

# A stream of any length; for a file, --upload-file FILE.
printf '%s\n' '{"kind": "welcome", "args": {"user_id": 1}, "in": "1h"}' '{"knd": "welcome"}' |
  call POST /v1/jobs/batch --header 'Content-Type: application/x-ndjson' --upload-file -

call GET /v1/jobs/welcome-42
call DELETE /v1/jobs/welcome-42
call GET /v1/jobs/welcome-42
