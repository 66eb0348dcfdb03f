// Package outbox enqueues jobs in the transaction of an application's SQL database. A
// job is there if the transaction is committed, and was never there if it is not.
//
//	application ── Enqueue(ctx, tx, specs...) ──> table ── Relay(ctx, producer) ──> Redis
//	              in the transaction               rows      of any process that likes
//
// Enqueue validates as a producer does and inserts a row for each job. Relay moves
// committed rows to Redis and then deletes them. Each row has the ID of its job since
// Enqueue, and a job with an ID is stored once: so rows that are moved again, because a
// relay died or a reply was lost, add nothing.
//
// # Order
//
// Rows have rising numbers. A transaction that was committed before another one called
// Enqueue has lower numbers, and whoever sees the rows of the second sees those of the
// first, or they are in Redis already. A relay moves all that it sees of a queue in the
// order of the numbers and goes on only when what came before is stored. So jobs of one
// queue come into line in the order of their transactions, for transactions that did not
// overlap, and in the order of the specs within each. That needs no lock: of two relays
// that move the same rows, the second one adds nothing. The lease that relays take only
// spares them work in vain.
//
// # Failure
//
// While Redis or the database is away a relay waits, says so in the log, and goes on. A
// queue that cannot be written keeps only its own rows waiting. A row that the producer
// refuses for good, such as one with arguments over its limit, is set aside with the
// reason: see [Box.Refused].
package outbox
