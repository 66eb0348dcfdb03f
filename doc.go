// Package drayhorse is the vocabulary of a distributed background job system
// on Redis: what a job is, the states it passes through, the options it is
// enqueued with and the errors that come back. It imports the standard library
// alone, so any program may import it for free. Work is put in by package
// producer, done by package worker and repeated by package scheduler.
//
// # Glossary
//
// One word for each idea, the same in code, scripts, metrics and docs:
//
//   - job: one piece of work: a kind, its arguments and the options it was
//     enqueued with.
//   - kind: the name that selects the handler of a job.
//   - queue: a named line of jobs. Jobs of any kind share a queue.
//   - partition: one of the P parts of a queue, each in one Redis Cluster slot.
//   - state: where a job is in its life; see [State].
//   - attempt: one run of the handler that may count against MaxAttempts.
//   - claim: a worker's hold on one running job, valid while its lease lives.
//   - lease: a worker's promise to be alive, renewed by its turns and beats.
//   - turn: the call in which a worker finishes jobs and claims new ones.
//   - beat: the call that renews a lease between turns.
//   - promote: move a job whose time has come from scheduled to available.
//   - rescue: take the jobs of a dead lease back; costs them no attempt.
//   - suspect: a job whose workers died twice; it runs one at a time.
//   - divert: set a job aside for a worker that serves its kind.
//   - archive: finished jobs that are kept, with their results and errors.
//   - schedule: a rule that enqueues a job at each of its ticks.
//   - tick: one nominal time of a schedule.
//   - term: the rising number of one leadership.
//   - token: the rising number that fences out whoever held a lock before.
package drayhorse
