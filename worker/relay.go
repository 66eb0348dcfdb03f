package worker

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/flows"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/members"
)

const (
	// watchFlowsEvery is how often a worker looks at the flows of its namespace, once there are
	// any; all workers together look at each shard about as often.
	watchFlowsEvery = 2 * time.Second
	// seekFlowsEvery is how often it asks whether there are any.
	seekFlowsEvery = time.Minute
	// lastRelay is how long a worker that stops tells what its last jobs were.
	lastRelay = time.Second
)

// relay tells flows what became of their members, and does what they want then. All that it
// leaves undone is done by that of another worker.
type relay struct {
	store *flows.Store
	log   *slog.Logger
	wake  chan struct{}

	mu      sync.Mutex
	pending map[*jobs.Partition]bool
	used    bool // there are flows in the namespace
}

func newRelay(store *flows.Store, log *slog.Logger) *relay {
	return &relay{store: store, log: log, wake: make(chan struct{}, 1), pending: map[*jobs.Partition]bool{}}
}

// note has told what a partition has to tell.
func (r *relay) note(p *jobs.Partition) {
	r.mu.Lock()
	r.pending[p], r.used = true, true
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default: // it is awake
	}
}

// noteTurn notes a turn that ended members of batches.
func (r *relay) noteTurn(p *jobs.Partition, finishes []jobs.Finish) {
	for i := range finishes {
		if finishes[i].Linked {
			r.note(p)
			return
		}
	}
}

// isUsed reports whether there are flows, as far as is known.
func (r *relay) isUsed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.used
}

// run relays until ctx ends.
func (r *relay) run(ctx context.Context) {
	timer := time.NewTimer(rand.N(watchFlowsEvery)) //nolint:gosec // not a secret
	defer timer.Stop()
	var sought time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
			r.flush(ctx)
			continue
		case <-timer.C:
		}
		if r.isUsed() || time.Since(sought) >= seekFlowsEvery {
			sought = time.Now()
			r.look(ctx, watchFlowsEvery)
		}
		timer.Reset(watchFlowsEvery)
	}
}

// look does what the flows wait for, if there are any, but for those at which somebody has
// looked in that time before.
func (r *relay) look(ctx context.Context, every time.Duration) {
	if !r.isUsed() {
		used, err := r.store.InUse(ctx)
		r.fail(ctx, err)
		if !used {
			return
		}
		r.mu.Lock()
		r.used = true
		r.mu.Unlock()
	}
	r.fail(ctx, r.store.Watch(ctx, every))
}

// flush tells all that is noted.
func (r *relay) flush(ctx context.Context) {
	r.mu.Lock()
	pending := r.pending
	r.pending = map[*jobs.Partition]bool{}
	r.mu.Unlock()
	for p := range pending {
		if ctx.Err() != nil {
			r.note(p)
			continue
		}
		r.fail(ctx, r.store.Relay(ctx, p))
	}
}

// end tells what is left when the worker stops.
func (r *relay) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastRelay)
	defer cancel()
	r.flush(ctx)
}

// fail logs what could not be done: it is tried again.
func (r *relay) fail(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		r.log.DebugContext(ctx, "flows cannot be told", slog.String(logs.Error, err.Error()))
	}
}

// membership is what the handler of a member may do with its batch, or that of a step with its flow.
type membership struct {
	store *flows.Store
	id    string
	made  time.Time
	step  int // of a step, its number; -1: it is a member of a batch
	run   int // the same, which run it is
}

// IsStep reports whether the job is a step; it is members.Run.
func (m *membership) IsStep() bool { return m.step >= 0 }

// Extend adds steps to the flow of a step.
func (m *membership) Extend(ctx context.Context, more *flow.Flow) error {
	return m.store.Extend(ctx, m.id, m.made, m.step, m.run, more, drayhorse.DefaultMaxArgs)
}

// Result gives the result of a step of the flow; it is members.Run.
func (m *membership) Result(ctx context.Context, step string) (json.RawMessage, error) {
	return m.store.Result(ctx, m.id, m.made, step)
}

// Add adds jobs to the batch; it is members.Run.
func (m *membership) Add(ctx context.Context, specs []drayhorse.Spec) error {
	return m.store.Grow(ctx, m.id, m.made, specs, drayhorse.DefaultMaxArgs)
}

// member gives the batch of which the job is a member, or the flow of which it is a step; nil:
// neither.
func (e *execution) member() members.Run {
	link := e.claim.Link()
	if link == "" {
		return nil
	}
	if id, made, step, run, ok := jobs.ParseStepLink(link); ok {
		return &membership{e.owner.flows(), id, made, step, run}
	}
	id, made := jobs.ParseLink(link)
	return &membership{e.owner.flows(), id, made, -1, 0}
}
