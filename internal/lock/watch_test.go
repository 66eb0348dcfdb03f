package lock

import (
	"testing"
	"time"
)

func TestWatch(t *testing.T) {
	t.Parallel()
	const ttl, period = 5 * time.Second, time.Second
	start := time.Now()
	seen := func(call int64) sighting { return sighting{mark: mark{"a", call}, ttl: ttl} }
	type look struct {
		at   time.Duration
		seen sighting
	}
	tests := []struct {
		name  string
		looks []look
		at    time.Duration
		dead  bool
		next  time.Duration
	}{
		{"never looked", nil, 0, false, period},
		{"seen once", []look{{0, seen(1)}}, 4900 * time.Millisecond, false, 100 * time.Millisecond},
		{"unchanged for the TTL", []look{{0, seen(1)}, {time.Second, seen(1)}}, ttl, true, period},
		{"renewed", []look{{0, seen(1)}, {time.Second, seen(2)}}, ttl, false, period},
		{"unchanged since the renewal", []look{{0, seen(1)}, {time.Second, seen(2)}}, 6 * time.Second, true, period},
		{"another owner", []look{{0, seen(1)}, {time.Second, sighting{mark: mark{"b", 1}, ttl: ttl}}}, ttl, false, period},
		{"the holder's TTL counts", []look{{0, sighting{mark: mark{"a", 1}, ttl: time.Hour}}}, ttl, false, period},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var w watch
			for _, l := range tt.looks {
				w.note(l.seen, start.Add(l.at))
			}
			now := start.Add(tt.at)
			if got := w.dead(now) != (mark{}); got != tt.dead {
				t.Errorf("dead = %v, want %v", got, tt.dead)
			}
			if got := w.next(now, period); got != tt.next {
				t.Errorf("next look in %v, want %v", got, tt.next)
			}
		})
	}
}
