// Package lock is a lease in Redis: at most one owner at a time, for as long as
// the owner lives, with a token that orders the owners for whatever they write.
//
// # Identity
//
// A lock is a name within a family and a namespace. Every hold of it has an owner,
// a random text that is never used again, so that two goroutines of one process
// exclude each other as two machines do. Its token is a number that is higher than
// that of every earlier hold. Identity, the holder's name, is for people.
//
// A lock is two keys in one slot of a Redis Cluster:
//
//	NAMESPACE:{FAMILY@NAME}:lease  hash: token; while held also owner, call, ttl_ms,
//	                               renewed_ms, identity, since_ms
//	NAMESPACE:{FAMILY@NAME}:bell   list of at most one element
//
// # How a lock changes hands
//
//	      holder                    lease in Redis                waiter
//	acquire, call 1 ─────────▶ owner=a token=7 call=1
//	renew,   call 2 ─────────▶ owner=a token=7 call=2 ◀───────── look: a/2, note the time
//	renew,   call 3 ─────────▶ owner=a token=7 call=3 ◀───────── look: a/3, note the time
//	   (falls silent)                                                 │
//	RenewDeadline after the                                           │ a/3 for a full TTL
//	start of call 3: the                                              │ on the waiter's own
//	context ends                                                      ▼ monotonic clock
//	                           owner=b token=8 call=9 ◀───────── acquire, if it is still a/3
//	renew,   call 4 ─────────▶ LEASELOST
//
// A holder that releases rings the bell, on which the waiters block, and the first
// of them has the lock a round trip later. The bell is a hint: who misses it looks
// again within RetryPeriod.
//
// # What Redis is authoritative for
//
// Who the owner is and what token it has: each script is one atomic step that
// checks the owner before it writes. Not for how long: Redis's clock, which key
// expiry follows, may jump by hours. A holder measures its trust, and a waiter the
// holder's silence, each on its own monotonic clock, and the waiter starts later
// and waits longer. Keys do expire, 30 days after the last use, to clear away
// names that are used once. Try asks Redis's clock whether a holder is worth
// watching, never whether it is dead.
//
// # On failure
//
//   - The holder dies: a waiter has the lock within TTL + RetryPeriod.
//   - The holder freezes, or is cut off: its context ends RenewDeadline after the
//     start of its last good renewal, in time before another can have the lock.
//     After a freeze that is when it wakes. Its renewals and its release are
//     refused.
//   - A reply is lost: every call can be repeated. An acquire repeated by its owner
//     gets the token that it was granted.
//   - Redis is away for longer than RenewDeadline: the holder loses the lock.
//     Waiters keep trying.
//   - Redis loses data, as in a failover to a replica that lags: a waiter may get
//     the lock at once. The old holder notices at its next renewal. The new token
//     is higher than any that the new holder's process has seen and than Redis's
//     clock in ms, which every old one followed.
//
// # What is not guaranteed
//
//   - That two holders never overlap: code that does not heed its context, a frozen
//     process in the instant after it wakes, a machine suspended with its monotonic
//     clock, and lost data all make two. The token is the cure: what is written
//     under the lock must refuse a token lower than the highest that it has seen.
//   - That tokens rise when Redis loses data, its clock is behind the old one's and
//     the new holder's process has never seen the lock: all three at once.
//   - Fairness: a newcomer may overtake those who wait. Nor is a lock reentrant: a
//     holder that waits for its own lock waits for ever.
package lock
