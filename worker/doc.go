// Package worker does the work: a [Worker] claims jobs from queues, runs their
// handlers and says what became of them. Any number of workers share the queues.
// A worker that dies loses nothing: the others rescue its jobs.
//
// # The way of a job
//
// A run of a worker is a session, which builds the parts below, runs them and stops
// them. No part knows the session; each learns what it needs when it is made.
//
//	           bell.Wait               look, every second
//	listener ─────┐                 ┌───── node.observe
//	              ▼                 ▼
//	        source.markClaimable, in the supply
//	              │ wakes
//	              ▼
//	        fetcher.plan ◄──────────────────────── lease.report
//	          pick sources, reserve capacity            ▲
//	              │                                     │ finish
//	              ▼                                     │
//	        fetcher.begin     (finish and claim)    runner.run
//	              │                                     ▲
//	              ▼                                     │ one at a time
//	        fetcher.takeIn ──── claims ────────────► executors
//
// A bell or a look says that a source, a partition that the worker claims from, has
// jobs. The claimer of the Redis node that the source is on picks it, reserves room in
// the capacity, and makes a turn on its lease there: in one step Redis takes in what
// has ended and gives what is claimed. The executors get each claim to a goroutine, the
// runner calls its handler and decides what becomes of it, and the lease keeps that for
// the next turn. While a turn is on the wire, what ends forms the next one. A large one
// does not wait for the answer: a fetcher has two calls on the wire then, on two leases of
// a source, and Redis has one at hand while the worker takes in the other.
//
// # Apart
//
// The unit of failure is the Redis node. Each has loops of its own: a claimer and, where
// Redis is no Cluster, a fetcher that waits at the bells; beats, which renew leases;
// looks; sweeps. What one node keeps waiting, no other does. A partition that fails
// gives back what its turn had reserved and is left alone for a while, longer each time.
// The code of users, in handlers, errors, policies and loggers, can panic or end its
// goroutine: that costs the job one attempt.
//
// # Ahead of free slots
//
// A claimer asks for more jobs than there are free slots, as many as end during a round
// trip (pace): handlers have work while a turn is on the wire. Where handlers take long
// nothing is claimed ahead. What was claimed and has not begun goes back, in front of
// its queue, when the worker stops or turns quiet, when the queue is paused, and after a
// second.
//
// # In a test
//
// drayhorsetest has the parts work without goroutines of their own (inlined): whoever asks
// for the next job makes the turns, and runs the handler.
//
// # Who wakes whom
//
//   - A source with something to claim wakes the claimer of its node, which interrupts
//     its mate's wait at the bells if there is one.
//   - A job that ended wakes the fetcher of its lease; while a call is on the wire, only
//     the one with which there are enough for another. The first slot that is free again
//     wakes all claimers, and has the bells waited for.
//   - A source with nothing to claim has its bell waited for, by a fetcher that is idle or
//     else by its listener. A fetcher that begins to wait interrupts the listeners' waits.
//   - A time that has come, of a job that is due or a turn to be made again, wakes by a
//     timer of its source or fetcher.
//
// # Lock order
//
// fetcher.mu, then lease.mu, then jobContext.mu. The mutexes of source, supply,
// executors, bells and reach are held for a few lines and nothing else is locked
// meanwhile. What has no mutex belongs to one goroutine, which the comment names.
package worker
