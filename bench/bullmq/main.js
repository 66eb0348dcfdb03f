// BullMQ as the benchmark's systems see it: orders come as lines on standard input,
// answers go as lines to standard output.
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';

const [host, port, argBytes] = process.argv.slice(2);
const connection = { host, port: Number(port), maxRetriesPerRequest: null };
const pad = 'x'.repeat(Math.max(Number(argBytes) - '{"n":123456,"pad":""}'.length, 0));
const options = { removeOnComplete: true, removeOnFail: true };
const queue = new Queue('default', { connection });
const say = (line) => process.stdout.write(line + '\n');

let worker;
let handled = [];
let begun; // of the probes, by job
let waits;

// handle is the handler: it notes the job, and tells a few milliseconds later.
async function handle(job) {
  if (begun) {
    waits[job.data.n] = performance.now() - begun[job.data.n];
    return;
  }
  if (handled.push(job.data.n) === 1) setTimeout(tell, 2);
}

function tell() {
  say('handled ' + handled.join(' '));
  handled = [];
}

const orders = {
  async bulk(first, n) {
    const batch = 1000;
    for (let at = first; at < first + n; at += batch) {
      const jobs = [];
      for (let i = at; i < Math.min(first + n, at + batch); i++) {
        jobs.push({ name: 'noop', data: { n: i, pad }, opts: options });
      }
      await queue.addBulk(jobs);
    }
  },
  async enqueue(callers, n) {
    let next = 0;
    const caller = async () => {
      while (next < n) await queue.add('noop', { n: next++, pad }, options);
    };
    await Promise.all(Array.from({ length: callers }, caller));
  },
  async work(concurrency) {
    worker = new Worker('default', handle, { connection, concurrency });
    await worker.waitUntilReady();
  },
  async probe(probes) {
    const warmUp = 10;
    begun = [];
    waits = [];
    for (let i = 0; i < warmUp + probes; i++) {
      await sleep(15 + (i % 11));
      begun[i] = performance.now();
      await queue.add('noop', { n: i, pad }, options);
    }
    for (let i = 0; i < warmUp + probes; i++) {
      while (waits[i] === undefined) await sleep(1);
    }
    return JSON.stringify(waits.slice(warmUp));
  },
  async rest() {
    await worker.close();
  },
};

await queue.waitUntilReady();
say('ok');
for await (const line of createInterface({ input: process.stdin })) {
  const [verb, ...args] = line.split(' ');
  try {
    const answer = await orders[verb](...args.map(Number));
    say('ok ' + (answer ?? ''));
  } catch (err) {
    say('error ' + err.message);
  }
}
process.exit(0);
