// Package election chooses one leader among any number of candidates, for one
// term at a time, on a lock in Redis.
//
// # Identity
//
// An election has a name, and every candidate for it runs the same code. A term
// is one leadership: a number that is higher than that of every earlier term, and
// a context that ends with it. There is no question "am I the leader?", because
// its answer is old when it arrives: who leads runs inside the function that Run
// was given, and whose context is alive may go on.
//
// # The way of a candidate
//
//	              bell, or the leader was
//	              silent for a full TTL
//	┌───────────┐ ─────────────────────▶ ┌─────────────┐
//	│ campaigns │                        │ leads: term │
//	└───────────┘ ◀───────────────────── └─────────────┘
//	      ▲        term lost: ErrLeaseLost      │
//	      │        lead returned nil            │ ctx ended, or lead failed:
//	      │                                     ▼ release, ring the bell
//	     Run                                  Run returns
//
// # What Redis is authoritative for
//
// Who leads, and the number of the term; not for how long. Leader and followers
// measure time each on their own monotonic clock, so that a jump of Redis's clock
// neither deposes a leader nor keeps a dead one. Package lock has the details: an
// election is one lock of the family "election".
//
// # On failure
//
//   - The leader stops: its successor leads a round trip after the bell.
//   - The leader is killed: its successor leads within TTL + RetryPeriod x 1.2;
//     5.6 s by default.
//   - The leader freezes or is cut off: its term's context ends, 3.3 s after its
//     last good renewal by default, before another can be elected.
//   - Redis is away: the term ends in the same way, and all candidates campaign
//     until it is back.
//   - Redis loses data, as in a failover to a replica that lags: a successor may be
//     elected at once, with a higher term; the old leader notices at its next
//     renewal.
//
// # What is not guaranteed
//
// That no two leaders ever overlap: one that does not heed its context, that wakes
// from a freeze in the midst of a write, or whose lock Redis has lost, may still
// act for a moment. Leadership saves work. Correctness has to come from the term:
// each write carries it, and is refused if a higher one was seen.
package election
