// Package drayhorse is the vocabulary of a distributed background job system
// on Redis: what a job is, the states it passes through, the options it is
// enqueued with and the errors that come back. Beside the standard library it
// imports go-json-experiment/json alone, the mirror of encoding/json/v2. Work is put
// in by package producer, done by package worker and repeated by package scheduler.
//
// # Glossary
//
// One word for each idea, the same in code, scripts, metrics and docs. What users meet:
//
//   - job: one piece of work: a kind, its arguments and the options it was
//     enqueued with.
//   - kind: the name that selects the handler of a job.
//   - handler: the user's function that runs jobs of a kind.
//   - queue: a named line of jobs. Jobs of any kind share a queue.
//   - series: what ended, counted by the minute and the hour.
//   - mark: a moment, such as a deploy, that charts of a series show.
//   - partition: one of the P parts of a queue, each in one Redis Cluster slot.
//   - namespace: the prefix of all keys. Programs in different ones share nothing.
//   - state: where a job is in its life; see [State].
//   - attempt: one run of the handler that may count against MaxAttempts.
//   - retry: the next attempt of a job that failed, after a delay.
//   - snooze: what a handler does that wants its job again later, at no attempt.
//   - priority: which of the jobs that wait in a queue start first, one of four.
//   - group: the tenant or the like that a job is for; the groups of a queue take turns.
//   - unique key: what no two jobs of a queue have at the same time.
//   - archive: ended jobs that are kept, with their results and errors.
//   - schedule: a rule that enqueues a job at each of its ticks.
//   - tick: one nominal time of a schedule.
//   - worker: a program, or a part of one, that runs jobs.
//   - producer: what enqueues jobs.
//   - scheduler: what enqueues the jobs of schedules, while it is the leader.
//   - scope: the jobs that somebody may see or touch, by queue and kind.
//   - role: what a user of the dashboard is, which gives rights; see package dashboard.
//   - web session: a browser's stay at the dashboard after a login.
//   - flow: a batch, which is jobs that are counted together, or steps that come after one
//     another: jobs, and signals that are waited for.
//   - event: something that happened to a job, or that an operator did, told to who listens.
//   - outbox: what is stored to be enqueued: jobs of an SQL transaction until a relay
//     enqueues them, or ticks of a schedule until their queue takes them.
//
// The verbs of the engine, each a script:
//
//   - push: enqueue plain jobs, which wait for nothing and have no ID of their own.
//   - enqueue: store a job of any sort.
//   - turn: the call in which a worker finishes jobs and claims new ones.
//   - beat: renew a lease between turns.
//   - alive: say that the process lives whose lease was condemned.
//   - leave: drop a lease that holds nothing.
//   - rescue: take the jobs of a dead lease back; costs them no attempt.
//   - observe: look at what a partition has to do and who holds leases.
//   - length: look only at how many jobs could be claimed.
//   - ring: wake one idle worker, by the bell that it waits at.
//   - sweep: remove what has been kept for long enough, in steps.
//   - resync: put jobs in line again that are live and in no line.
//   - inspect, list, locate, summary: read a job, a page of jobs, where a job is, and
//     the counts of a partition.
//   - await: have a process told how jobs end that it waits for.
//   - report: write what handlers report while their jobs run.
//   - stream, log: read what they wrote to a stream, and what they logged.
//   - step: keep what a step of a handler came to; steps: read that.
//   - signal: give a job a value for which a step of its handler waits.
//   - cancel, delete, purge, pause: what operators do, beside a retry.
//   - edit: give a job that waits other arguments.
//   - explain: say what holds a job up.
//   - news, told: read what a partition has to tell batches of their members, and note that
//     they know.
//   - members: read what a partition knows of a batch, take no more of its members, or
//     cancel them.
//   - pick, act: find the jobs of an action, and do it to them, a step at a time.
//   - depth: set how many live jobs a partition may have.
//   - limit, limits: declare what bounds the starts of jobs, and list it.
//   - groups: note of which groups jobs have run, for a series.
//   - share: what a partition has of a limit that several, or all queues, have together; to give it
//     one.
//   - drop: remove a queue with all its keys.
//
// What the engine is made of:
//
//   - column: one of the keys of a partition, such as ready or running.
//   - envelope: a job as it is stored; its arguments alone can be changed, while it waits.
//   - record: a job as the archive has it.
//   - claim: a worker's hold on one running job, valid while its lease lives.
//   - lease: a worker's promise to be alive, renewed by its turns and beats.
//   - token: the rising number that fences out whoever held a claim or lock before.
//   - lapse: discard a job that has not started in time.
//   - promote: move a job whose time has come from scheduled to available.
//   - condemn: declare a lease dead whose score has not moved for its time.
//   - suspect: a job with which two workers died.
//   - trial: suspects that a worker runs under a lease of their own; whoever was
//     alone in one when the worker died is discarded.
//   - divert: set a job aside, into a parked lane, for a worker that serves its kind.
//   - release: give a claim back, in front of its line, at no attempt.
//   - lane: jobs in their order that are not in ready: those of a kind that are set aside, or those
//     in line of a priority or a group.
//   - writer: a producer's way into a partition, which numbers its calls.
//   - term: the rising number of one leadership.
//   - action: what an operator has done to all jobs that match a filter.
//   - sum: what a turn tells of the attempts of a kind that it finishes, to be counted.
//   - registry: the hash of all queues and how many partitions each has.
//
// And a worker, whose package says how they work together:
//
//   - session: one run of a worker: it builds, runs and stops the parts.
//   - source: a partition that the worker claims from; supply: all of them.
//   - fetcher: the loop that makes turns; claimer: the one of a Redis node that claims.
//   - capacity: how many jobs a worker may hold; slot: room for one that runs.
//   - executor: a goroutine that runs one claim at a time; runner: what it calls, which
//     decides the outcome.
package drayhorse
