// Package lock is a lock for application code, held in Redis, with a fencing
// token:
//
//	l, err := lock.New(lock.Config{RedisURL: url})
//	...
//	err = l.Do(ctx, "report", func(ctx context.Context, token int64) error {
//		return writeReport(ctx, token)
//	})
//
// The lock is renewed for as long as the function runs. When it can no longer be
// certain that it is held, because Redis cannot be reached or the process was
// frozen, the function's context ends, before another may have the lock. A holder
// that dies is replaced after its TTL, by clocks that cannot jump; one that
// returns is replaced within a round trip.
//
// No lock service can stop code that has not noticed the end of its context, or a
// process that wakes from a freeze with a write half done. The token can: every
// holder's is higher than the one before. Let whatever is written under the lock
// keep the highest token that it has seen and refuse a lower one, as in
//
//	UPDATE reports SET body = $1, token = $2 WHERE id = $3 AND token <= $2
//
// A lock that only saves work needs no token. One that must never be held twice
// does.
package lock
