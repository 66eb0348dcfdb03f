// Package schedules keeps the schedules in Redis: what they are, when each fires
// next, and the ticks on their way to a queue. A scheduler fires them; operators'
// tools see and steer them.
//
// # The way of a tick
//
//	  next ──── fire ────▶ outbox ──── enqueue ────▶ the queue, guarded by ticks
//	   ▲  one script, if      │                          │
//	   │  term, revision      │ an earlier job runs      │ clear, with a line
//	   │  and tick agree      ▼                          ▼ of the history
//	look                   waiting ─── it has ended ──▶ gone
//
// A leader looks for what is due, decides, and fires: one script moves the schedule
// on to its next tick and puts the ticks to be enqueued into the outbox. Then each
// is enqueued, and cleared from the outbox when its queue has answered. While a queue
// does not answer, or refuses, schedules that go there stay due and are not fired.
// Whoever leads next begins with the outbox.
//
// # Why each tick is one job
//
//   - Not two: the tick is in the outbox once, because a schedule moves on once.
//     An entry may be enqueued again, by a leader that died before it could clear
//     it, or by an old one beside a new one; the queue takes a tick at or below the
//     highest that it has had of that schedule for a duplicate, for ever. The entry
//     names the queue, so that a repeat meets the same guard.
//   - Not none: a schedule moves on in the very step that fills the outbox, and an
//     entry leaves it only when the queue has answered. The ticks of a schedule
//     reach a partition in ascending order, each call whole or not at all, so that
//     the guard never sees a later tick first.
//
// Leadership saves work and keeps the order; the guard gives the guarantee. Every
// write of a leader carries its term, and is refused and counted if a later one has
// been seen.
//
// # What Redis is authoritative for
//
// All of it, the time included: a tick is due by Redis's clock, whatever clock a
// scheduler has. If that clock jumps ahead, ticks are late and the catch-up policy
// decides; if it jumps back, nothing fires until it is where it was. A failover
// brings back an older state, of schedules and queues alike on one primary: what it
// lacks is fired anew.
//
// # Declarations
//
// A source declares a set of schedules, as of a time. It adds, changes and removes
// its own only, and a set that is older than the last one of that source changes
// nothing. A schedule that was added at run time has no source.
package schedules
