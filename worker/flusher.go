package worker

import (
	"context"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// How long after a handler has reported something it is written, with all else that was
// reported meanwhile.
const (
	flushStreams = 100 * time.Millisecond
	flushOthers  = time.Second
)

// flusher writes what handlers report while their jobs run, for all jobs of a worker
// together. What is left is written with the turn that finishes the job. A nil flusher leaves
// all to that.
type flusher struct {
	engine *jobs.Engine
	wake   chan struct{}

	mu    sync.Mutex
	dirty map[*reports]bool
	due   time.Time // of the first of them
}

func newFlusher(engine *jobs.Engine) *flusher {
	return &flusher{engine: engine, wake: make(chan struct{}, 1), dirty: map[*reports]bool{}}
}

// note has reports written, soon or in a while.
func (f *flusher) note(r *reports, soon bool) {
	if f == nil {
		return
	}
	at := time.Now().Add(flushOthers)
	if soon {
		at = time.Now().Add(flushStreams)
	}
	f.mu.Lock()
	earlier := len(f.dirty) == 0 || at.Before(f.due)
	if earlier {
		f.due = at
	}
	f.dirty[r] = true
	f.mu.Unlock()
	if earlier {
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
}

// run flushes until ctx ends. Where nobody reports anything it only waits.
func (f *flusher) run(ctx context.Context) {
	var backoff redis.Backoff
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
			timer.Reset(time.Until(f.dueAt()))
			continue
		case <-timer.C:
		}
		if f.flush(ctx) {
			backoff.Reset()
		} else if !backoff.Wait(ctx) {
			return
		}
		timer.Reset(time.Until(f.dueAt()))
	}
}

// dueAt is when to flush next; in an hour, if nothing is to be written.
func (f *flusher) dueAt() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.dirty) == 0 {
		return time.Now().Add(time.Hour)
	}
	return f.due
}

// flush writes what was reported, one report of each job. It reports false if Redis is away.
func (f *flusher) flush(ctx context.Context) bool {
	f.mu.Lock()
	dirty := f.dirty
	f.dirty = map[*reports]bool{}
	f.mu.Unlock()
	of := map[*jobs.Report]*reports{}
	byLease := map[*jobs.Lease][]*jobs.Report{}
	for r := range dirty {
		l, held := r.execution.owner.(*lease)
		if report := r.next(); report != nil && held {
			of[report] = r
			byLease[l.Lease] = append(byLease[l.Lease], report)
		}
	}
	all := make([]jobs.LeaseReports, 0, len(byLease))
	for l, list := range byLease {
		all = append(all, jobs.LeaseReports{Lease: l, Reports: list})
	}
	answered := true
	f.engine.Report(ctx, all,
		func(report *jobs.Report, why error) {
			of[report].stop(why)
			delete(of, report)
		},
		func(report *jobs.Report) {
			answered = false
			f.note(of[report], false)
			delete(of, report)
		})
	for report, r := range of {
		if r.wrote(report) {
			f.note(r, true)
		}
	}
	return answered
}
