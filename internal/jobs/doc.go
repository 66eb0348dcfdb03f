// Package jobs is the engine: it moves jobs through their states in Redis and is
// the only owner of a queue's keys.
//
// # Identity
//
// A queue has one or more partitions. A partition is a set of keys in one Cluster
// slot, its columns: jobs holds every live job's envelope, and the
// others say where each job stands. Every step of a job's life is one script, and
// each has a Go file, a Lua file and a test file of one name.
//
//	            enqueue                         turn (claims)
//	producer ─────────────▶ scheduled ─▶ ready ─────────────▶ running ──▶ archive
//	   writer: repeats the      promote    ▲                  │ lease      completed
//	   last call, no copies                │   turn (fails)   │            cancelled
//	                            retryable ◀┼──────────────────┤            discarded
//	                                       └──────────────────┘
//	                              rescue: the lease is dead
//
// # What Redis is authoritative for
//
// Everything: which jobs there are, who holds them, when they are due, by its own
// clock. Processes keep nothing that matters. Scripts are atomic, so no state
// between two steps is ever seen.
//
// Three guards make at-least-once hold without copies. A producer's writer numbers
// its calls, and Redis keeps the last answer: a call whose reply was lost is made
// again and gets that answer. A lease numbers its turns the same way. And every
// finish carries the token of its claim, so that a worker that lost a job cannot end
// it any more.
//
// # What happens on failure
//
// A worker that dies stops renewing its lease. Observers, which are the other
// workers, see the same score for [LeaseTime] on their own monotonic clocks and
// condemn exactly that score; then they take the jobs back. Clocks of Redis or of
// workers that jump condemn nobody. A producer that dies leaves either the whole
// call or nothing.
//
// # What is not guaranteed
//
// That a job runs only once: a worker that is cut off may run a handler beside the
// one who rescued the job, until its own clock tells it to stop, one second before
// anybody may condemn its lease. And nothing here makes Redis keep what it has
// acknowledged: that is up to its persistence and replication.
package jobs
