package embedded

import (
	"sync/atomic"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/drayhorse/drayhorse/internal/redis"
)

// Standing is an embedded server whose clock stands still until it is set. Scripts, the
// expiry of keys, and the clients of internal/redis that are opened for it all go by that
// clock.
type Standing struct {
	redis *miniredis.Miniredis
	now   atomic.Pointer[time.Time]
	undo  func()
}

// StartAt starts a server on a free port of the loopback interface, at the time now.
func StartAt(now time.Time) (*Standing, error) {
	m, err := listen("")
	if err != nil {
		return nil, err
	}
	s := &Standing{redis: m}
	s.SetTime(now)
	m.ClockTTL(true)
	s.undo = redis.SetClock(m.Addr(), s.Now)
	return s, nil
}

// URL is where the server listens.
func (s *Standing) URL() string { return "redis://" + s.redis.Addr() + "/0" }

// Now is the time that the clock shows.
func (s *Standing) Now() time.Time { return *s.now.Load() }

// SetTime sets the clock. What was to expire until then has expired.
func (s *Standing) SetTime(now time.Time) {
	s.now.Store(&now)
	s.redis.SetTime(now)
}

// Close ends the server and forgets its data.
func (s *Standing) Close() {
	s.undo()
	s.redis.Close()
}
