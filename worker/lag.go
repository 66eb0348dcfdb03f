package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/drayhorse/drayhorse/internal/logs"
)

const (
	// lagEvery is how often the worker looks whether it gets to run.
	lagEvery = 500 * time.Millisecond
	// maxLag is how late it may get to run before it says so: leases last some ten
	// times that.
	maxLag = time.Second
	// lagSilence is how long it says so no second time.
	lagSilence = 30 * time.Second
)

// lag notices that the goroutines of this process do not get to run: handlers compute
// more than there are CPUs for, or the process or its machine stood still. Leases are then
// lost and calls time out, for which Redis would be blamed.
type lag struct {
	*parts
	warnedAt time.Time // when it was said last
}

func (l *lag) run(ctx context.Context) {
	for {
		began := time.Now()
		select {
		case <-ctx.Done():
			return
		case <-time.After(lagEvery):
			l.note(ctx, time.Since(began)-lagEvery)
		}
	}
}

// note takes in how late the worker got to run.
func (l *lag) note(ctx context.Context, late time.Duration) {
	if late < maxLag {
		return
	}
	l.metrics.stalled.Add(late.Seconds())
	if now := time.Now(); now.Sub(l.warnedAt) > lagSilence {
		l.warnedAt = now
		l.log.WarnContext(ctx, "the worker got no CPU: its handlers compute too much at once, or its process stood still",
			slog.Duration(logs.Elapsed, late), slog.Int64(logs.Count, l.capacity.held.Load()))
	}
}
