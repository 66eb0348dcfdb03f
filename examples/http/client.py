#!/usr/bin/env python3
"""Jobs over HTTP from Python 3: client.py URL [TOKEN]. The standard library alone."""
import json, sys, urllib.error, urllib.request

url, token = sys.argv[1], (sys.argv[2:] or [None])[0]


def call(method, path, body=None, **headers):
    """Gives the status and the text of the answer, whether it refuses or not."""
    request = urllib.request.Request(url + path, method=method, data=body and body.encode())
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    if token:
        request.add_header("Authorization", "Bearer " + token)
    try:
        answer = urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as refusal:
        answer = refusal
    with answer:
        return answer.status, answer.read().decode()


job = {"kind": "welcome", "args": {"user_id": 42}, "in": "1h"}
for _ in range(2):  # the second time it is known already: no answer that was lost makes two jobs
    print(*call("POST", "/v1/jobs", json.dumps(job), Content_Type="application/json", Idempotency_Key="welcome-42"))
# urllib reads nothing before it has sent all, so for a long batch it asks for refusals alone.
lines = "".join(json.dumps(j) + "\n" for j in [job | {"args": {"user_id": 1}}, {"knd": "welcome"}])
print(*call("POST", "/v1/jobs/batch?results=refused", lines, Content_Type="application/x-ndjson"))
for method in "GET", "DELETE", "GET":
    print(*call(method, "/v1/jobs/welcome-42"))
