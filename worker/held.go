package worker

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
)

// hold gives the fetcher's holding for a line.
func (f *fetcher) hold(l *line) *holding {
	if h := f.held[l]; h != nil {
		return h
	}
	name := f.name() + "." + strconv.FormatUint(f.session.epoch.Add(1), 10)
	h := &holding{Lease: jobs.NewLease(l.part, name), line: l, fetcher: f}
	f.mu.Lock()
	f.held[l] = h
	f.mu.Unlock()
	return h
}

// leaveIdle parts with leases that hold nothing and were not renewed for a while, so
// that nobody has to watch over them. It gives the time at which to look again; zero:
// nothing is held.
func (f *fetcher) leaveIdle(ctx context.Context, after time.Duration) time.Time {
	now := time.Now()
	if after == 0 || !now.Before(f.leaveAt) {
		f.leaveAt = now.Add(after)
		var idle []*holding
		for _, h := range f.holdings() {
			if h.pending != nil || !h.empty() {
				continue
			}
			switch at := h.lastRenewed().Add(after); {
			case !now.Before(at):
				idle = append(idle, h)
			case at.Before(f.leaveAt):
				f.leaveAt = at
			}
		}
		f.leave(ctx, idle)
	}
	if len(f.held) == 0 {
		return time.Time{}
	}
	return f.leaveAt
}

// leave parts with leases that hold nothing.
func (f *fetcher) leave(ctx context.Context, holdings []*holding) {
	var leases []*jobs.Lease
	f.mu.Lock()
	for _, h := range holdings {
		delete(f.held, h.line)
		if h.Joined() && !h.line.away.Load() {
			leases = append(leases, h.Lease)
		}
	}
	f.mu.Unlock()
	_ = f.session.engine.Leave(ctx, leases...) // or observers condemn them, which finds nothing
}

func (f *fetcher) holdings() []*holding {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Values(f.held))
}

// all gives the leases that are held, and those that were lost but have handlers
// that go on.
func (f *fetcher) all() []*holding {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lost = slices.DeleteFunc(f.lost, (*holding).empty)
	return slices.AppendSeq(slices.Clone(f.lost), maps.Values(f.held))
}

// empty reports whether there is nothing to say. It is for the fetcher's own
// goroutine, between turns.
func (f *fetcher) empty() bool { return f.unanswered == 0 && f.idle() }

// idle reports whether nothing is held and nothing is to be said of it.
func (f *fetcher) idle() bool {
	return !slices.ContainsFunc(f.holdings(), func(h *holding) bool { return !h.empty() })
}
