package worker

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse/internal/events"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/printable"
)

const (
	// tellEvery is how often a worker tells those who listen what has happened.
	tellEvery = 100 * time.Millisecond
	// maxOrdinary is how many events are told at once of jobs that go well, and maxOthers how many
	// others: what went wrong is not crowded out. More are left out.
	maxOrdinary = 500
	maxOthers   = 500
	// lastTold is how long a worker that stops tells what its last jobs came to.
	lastTold = time.Second
)

// Whether somebody listens, as far as the worker knows.
const (
	listeningUnknown int32 = iota // it has not asked yet: events are kept until it has
	listeningNobody
	listeningSomebody
)

// teller tells those who listen what becomes of jobs, in a loop of its own: nothing waits for it.
// Where nobody listens it costs a look at a flag.
type teller struct {
	store  *events.Store
	worker string
	log    *slog.Logger
	lost   prometheus.Counter
	wakeup chan struct{}

	listening atomic.Int32
	ordinary  atomic.Int32 // that are to be told next, also those of which Redis does not know yet
	others    atomic.Int32
	leftOut   atomic.Int64 // for want of room, since the last flush

	mu      sync.Mutex
	pending []events.Event
	untold  int // that are counted, and to be told of with the next ones
}

func newTeller(store *events.Store, worker string, log *slog.Logger, lost prometheus.Counter) *teller {
	return &teller{store: store, worker: worker, log: log, lost: lost, wakeup: make(chan struct{}, 1)}
}

// isHeard reports whether somebody may listen.
func (t *teller) isHeard() bool { return t.listening.Load() != listeningNobody }

// heard takes in for how long somebody listens; 0: nobody does.
func (t *teller) heard(listening time.Duration) {
	if listening > 0 {
		t.listening.Store(listeningSomebody)
		t.wake()
		return
	}
	t.listening.Store(listeningNobody)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leftOut.Store(0)
	t.pending, t.untold = nil, 0
}

// unheard takes in that it could not be asked whether somebody listens.
func (t *teller) unheard() {
	if t.listening.Load() == listeningUnknown {
		t.heard(0)
	}
}

// admit makes room for an event of a type, and reports false if there is none: it is left out.
func (t *teller) admit(kind events.Type) bool {
	if !t.isHeard() {
		return false
	}
	count, most := &t.others, int32(maxOthers)
	if kind.IsOrdinary() {
		count, most = &t.ordinary, maxOrdinary
	}
	if count.Load() < most { // some more do no harm
		count.Add(1)
		return true
	}
	t.leftOut.Add(1)
	return false
}

// tell has events told for which there is room.
func (t *teller) tell(all ...events.Event) {
	t.mu.Lock()
	first := len(t.pending) == 0
	t.pending = append(t.pending, all...)
	t.mu.Unlock()
	if first {
		t.wake()
	}
}

func (t *teller) wake() {
	select {
	case t.wakeup <- struct{}{}:
	default:
	}
}

// run tells until ctx ends.
func (t *teller) run(ctx context.Context) {
	timer := time.NewTimer(tellEvery)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.wakeup:
		}
		t.flush(ctx)
		timer.Reset(tellEvery)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
	}
}

// flush tells what there is to tell.
func (t *teller) flush(ctx context.Context) {
	if t.listening.Load() != listeningSomebody {
		return
	}
	missing := int(t.leftOut.Swap(0))
	t.lost.Add(float64(missing))
	t.mu.Lock()
	all, leftOut := t.pending, t.untold+missing
	t.pending, t.untold = make([]events.Event, 0, len(all)), 0
	t.mu.Unlock()
	t.ordinary.Store(0)
	t.others.Store(0)
	if len(all) == 0 && leftOut == 0 {
		return
	}
	done, err := t.store.Append(ctx, t.worker, leftOut, all)
	t.lost.Add(float64(done.Lost))
	switch {
	case err != nil:
		t.log.DebugContext(ctx, "events are not told", slog.Int(logs.Count, done.Lost), slog.String(logs.Error, err.Error()))
		t.mu.Lock()
		t.untold += done.Untold
		t.mu.Unlock()
	case done.Listening == 0:
		t.heard(0)
	}
}

// end tells the last events when the worker stops.
func (t *teller) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastTold)
	defer cancel()
	t.flush(ctx)
}

// started tells that an attempt begins.
func (t *teller) started(e *execution) {
	if t.admit(events.Started) {
		t.tell(t.event(e, events.Started))
	}
}

// event is one of an execution.
func (t *teller) event(e *execution, kind events.Type) events.Event {
	return events.Event{
		At: time.Now(), Type: kind, Queue: e.queue, Kind: e.kind, JobID: jobs.UnpackID(e.claim.ID), Attempt: e.attempt(), Most: e.maxAttempts, Waited: max(e.waited, 0),
	}
}

// ended gives the event of an attempt that ended, to be told when Redis knows of it; nil: it is not
// to be told.
func (t *teller) ended(e *execution, f *jobs.Finish) *events.Event {
	if !t.isHeard() {
		return nil
	}
	kind := events.Type(outcomes[f.Outcome])
	if !t.admit(kind) {
		return nil
	}
	event := t.event(e, kind)
	event.Ran, event.Delay = max(e.ran, 0), f.Delay
	if f.Sleep != nil {
		event.Delay = max(time.Until(f.Sleep.Until), 0)
	}
	if f.Error != nil {
		event.Error = printable.Clip(f.Error.Message, events.MaxError) // it may be long, and waits
	}
	if event.Kind == "" {
		event.Kind = f.Lane // of one that no handler was called for
	}
	return &event
}

// noteTurn tells what a turn has finished, but for what Redis refused, and what it has discarded.
func (t *teller) noteTurn(part *jobs.Partition, notes []note, done *jobs.Turned) {
	if !t.isHeard() {
		return
	}
	var refused []string // finishes are in another order than their notes
	for _, id := range done.Rejected {
		refused = append(refused, jobs.UnpackID(id))
	}
	for _, n := range notes {
		if n.event != nil && !slices.Contains(refused, n.event.JobID) {
			t.tell(*n.event)
		}
	}
	t.discarded(part, "", done.Discarded...)
}

// discarded tells of jobs that were discarded without an attempt, by their stored IDs.
func (t *teller) discarded(part *jobs.Partition, why string, ids ...string) {
	for _, id := range ids {
		if t.admit(events.Discarded) {
			t.tell(events.Event{At: time.Now(), Type: events.Discarded, Queue: part.Queue, JobID: jobs.UnpackID(id), Error: why})
		}
	}
}

// rescued tells of jobs that were taken back from a dead worker.
func (t *teller) rescued(part *jobs.Partition, got jobs.Rescued) {
	if got.Jobs > 0 && t.admit(events.Rescued) {
		t.tell(events.Event{At: time.Now(), Type: events.Rescued, Queue: part.Queue, Count: got.Jobs})
	}
	t.discarded(part, "its workers died with it", got.Discarded...)
}
