package worker

import (
	"context"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// DiscardTimeout is how long a call of Config.OnDiscard may take before its context ends.
const DiscardTimeout = 10 * time.Second

const (
	// discardCalls is how many calls of OnDiscard run at once, those included that do not
	// heed the end of their contexts.
	discardCalls = 8
	// maxDiscards is how many jobs wait for their calls; more are left out.
	maxDiscards = 1000
	// discardGrace is how long a call has to return after its context has ended, when the
	// worker stops.
	discardGrace = time.Second
)

// discards calls the user's hook for jobs that this worker has discarded. The loops that
// note them never wait for it. nil: there is no hook.
type discards struct {
	hook    func(ctx context.Context, info *drayhorse.Info)
	base    context.Context //nolint:containedctx // carries the values of Run's context, never ends
	log     *slog.Logger
	pending chan discard
	missed  atomic.Int64 // since that was logged
	slots   chan struct{}
	calls   sync.WaitGroup
}

// discard is a job that was discarded.
type discard struct {
	part *jobs.Partition
	id   string // stored
}

func newDiscards(base context.Context, log *slog.Logger, hook func(context.Context, *drayhorse.Info)) *discards {
	if hook == nil {
		return nil
	}
	return &discards{hook: hook, base: base, log: log, pending: make(chan discard, maxDiscards), slots: make(chan struct{}, discardCalls)}
}

// noteTurn notes the jobs that a turn has discarded: all that it said so of but for those
// that Redis refused, and those that it would have claimed.
func (d *discards) noteTurn(part *jobs.Partition, finishes []jobs.Finish, done *jobs.Turned) {
	if d == nil {
		return
	}
	for i := range finishes {
		if f := &finishes[i]; f.Outcome == jobs.Exhaust && !slices.Contains(done.Rejected, f.ID) {
			d.note(part, f.ID)
		}
	}
	d.note(part, done.Discarded...)
}

// note notes jobs that were discarded, by their stored IDs.
func (d *discards) note(part *jobs.Partition, ids ...string) {
	if d == nil {
		return
	}
	for _, id := range ids {
		select {
		case d.pending <- discard{part, id}:
		default:
			d.missed.Add(1)
		}
	}
}

// run makes the calls until closing is closed and nothing is pending. It waits for those
// that run, for as long as they may take.
func (d *discards) run(closing <-chan struct{}) {
	for {
		select {
		case job := <-d.pending:
			d.start(job)
			continue
		default:
		}
		select {
		case job := <-d.pending:
			d.start(job)
		case <-closing:
			d.wait()
			return
		}
	}
}

// start makes a call beside others, once there is room for one.
func (d *discards) start(job discard) {
	if n := d.missed.Swap(0); n > 0 {
		d.log.ErrorContext(d.base, "OnDiscard is too slow; jobs were discarded without a call of it", slog.Int64(logs.Count, n))
	}
	select {
	case d.slots <- struct{}{}:
	case <-time.After(DiscardTimeout + discardGrace): // none returns
		d.missed.Add(1)
		return
	}
	d.calls.Go(func() {
		defer func() { <-d.slots }()
		d.call(job)
	})
}

// wait waits for the calls that run.
func (d *discards) wait() {
	returned := make(chan struct{})
	go func() { d.calls.Wait(); close(returned) }()
	select {
	case <-returned:
	case <-time.After(DiscardTimeout + discardGrace):
		d.log.ErrorContext(d.base, "calls of OnDiscard do not return", slog.Int(logs.Count, len(d.slots)))
	}
}

// drain makes the calls of all that is pending, one after the other.
func (d *discards) drain() {
	for d != nil {
		select {
		case job := <-d.pending:
			d.call(job)
		default:
			return
		}
	}
}

// call calls the hook for one job, whatever the hook does.
func (d *discards) call(job discard) {
	ctx, cancel := context.WithTimeout(d.base, DiscardTimeout)
	defer cancel()
	info := &drayhorse.Info{ID: jobs.UnpackID(job.id), Queue: job.part.Queue, State: drayhorse.Discarded}
	if infos, err := job.part.Inspect(ctx, job.id); err != nil || infos[0] == nil {
		d.log.WarnContext(d.base, "OnDiscard is told the ID of a job alone", slog.String(logs.JobID, info.ID), slog.Any(logs.Error, err))
	} else {
		info = infos[0]
	}
	defer func() {
		if p := recover(); p != nil {
			d.log.ErrorContext(d.base, "OnDiscard panicked", slog.String(logs.JobID, info.ID), slog.String(logs.Queue, info.Queue),
				slog.String(logs.Error, textOf(p)), slog.String(logs.Stack, string(debug.Stack())))
		}
	}()
	d.hook(ctx, info)
}
