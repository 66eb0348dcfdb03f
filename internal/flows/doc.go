// Package flows keeps flows in Redis, batches of jobs and steps that come after one another, and is
// the only owner of their keys. A flow is a record in one of the shards, each a Cluster slot; its
// members and steps are jobs in partitions of queues anywhere.
//
// # Two ways of news
//
//	partition q/3                          shard @flow/5
//	push, end of a member                  record of the flow
//	  └─▶ row: n|stored|ended …              rows of all partitions, their sums
//	        └──── relay ─── ends ──────────────▶ │
//	                                           outbox  DEST/n
//	partition r/0 ◀──────── relay ── put, seal, cancel ┘ └─ ack, with the row there
//
// What happens to members changes one row of their partition in the same step: how many were
// stored, and how many have ended in each state. Rows go to the flow as state, with a number that
// rises; older ones change nothing. So news may be lost, late and repeated.
//
// What the flow decides goes to partitions as numbered ops from an outbox, which they leave
// only when they were done. To seal, to cancel, to forget may be done again; to enqueue
// may not, and a partition remembers the numbers of a shard that it has done: each one above the
// lowest that is still in the outbox, below which all are done. No clock is in that.
//
// # Why a batch ends when all have ended
//
// The creator names a partition to the flow before it stores members there, and whoever adds from
// within has the flow put them in. Close sends each partition a seal: from then on members from
// outside are refused, and the answer, the row as it is then, counts all that were stored. A batch
// has ended when no seal and no addition is on its way and the sums agree. So nobody needs
// to know how many members there are: not a creator that was told of a timeout, nor one that
// began again after it died, nor the deadline that closes an abandoned batch.
//
// # Steps
//
//	partition q/3                          shard @flow/5
//	end of a step's job                    record of the flow, its steps and their edges
//	  └─▶ row of this run, result            outcomes: follow edges, release what is ready
//	        └──── relay ─ outcomes ────────────▶ │
//	                                           outbox  DEST/n: enqueue    @/n: go on
//	partition r/0 ◀──────── relay ── put ────────┘
//
// A run of a step is a batch of one for its partition, with a link of its own. The flow knows of each
// step how many edges into it are not met, and follows the edges of one that has ended: once for
// each sort of end, by what it has noted in the step. What is too much for one call is an op to the
// shard itself, which the relay does like others. A retry goes over all steps in their order, and takes no
// news in meanwhile. See docs/adr/0120-flows-of-steps.md.
//
// # The relay
//
// It keeps nothing. A worker runs one: after turns that ended members, when a look at
// a partition finds news, and for each shard some worker every two seconds. What one leaves
// half done, another does.
package flows
