#!/usr/bin/env node
// Jobs over HTTP from Node 18 or later: client.mjs URL [TOKEN]. Nothing to install.
const [url, token] = process.argv.slice(2)

// Gives the status and the text of the answer, whether it refuses or not.
async function call(method, path, body, headers = {}) {
  if (token) headers.Authorization = `Bearer ${token}`
  const answer = await fetch(url + path, { method, body, headers, signal: AbortSignal.timeout(30_000) })
  return [answer.status, await answer.text()]
}

const job = { kind: 'welcome', args: { user_id: 42 }, in: '1h' }
for (let i = 0; i < 2; i++) { // the second time it is known already: no answer that was lost makes two jobs
  console.log(...await call('POST', '/v1/jobs', JSON.stringify(job),
    { 'Content-Type': 'application/json', 'Idempotency-Key': 'welcome-42' }))
}
// fetch gives no answer before it has sent all, so for a long batch it asks for refusals alone.
const lines = [{ ...job, args: { user_id: 1 } }, { knd: 'welcome' }].map(j => JSON.stringify(j) + '\n').join('')
console.log(...await call('POST', '/v1/jobs/batch?results=refused', lines, { 'Content-Type': 'application/x-ndjson' }))
for (const method of ['GET', 'DELETE', 'GET']) {
  console.log(...await call(method, '/v1/jobs/welcome-42'))
}
