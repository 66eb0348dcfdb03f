package producer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/flows"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// Batch is a batch of jobs, for its creator. It is safe for concurrent use.
type Batch struct {
	// ID is that of the batch.
	ID string
	// Duplicate: it was there already. What NewBatch was given is not looked at then.
	Duplicate bool

	producer *Producer
	made     time.Time

	mu     sync.Mutex
	joined map[*jobs.Partition]bool // partitions of which the batch knows
	since  time.Time                // when it was told last that the creator lives
}

// NewBatch makes a batch, or finds the one of that ID. Jobs are added to it by Add, and counted
// until Close: then it ends when all of them have. A batch of which its creator says nothing more
// for a day is closed, and has failed.
//
// The errors are drayhorse.ErrInvalid; ErrFlowEnded if one of that ID has ended and is about to be
// forgotten; ErrClosed; and those of Redis.
func (p *Producer) NewBatch(ctx context.Context, batch flow.Batch) (*Batch, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	if err := p.engine.Check(ctx); err != nil {
		return nil, err
	}
	info, err := p.flows.Create(ctx, batch, p.maxArgs)
	if err != nil {
		return nil, err
	}
	return p.batch(info), nil
}

// Batch finds a batch that is there, to add to it or to close it. The errors are drayhorse.ErrNotFound; ErrInvalid,
// also for a flow of steps; ErrClosed; and those of Redis.
func (p *Producer) Batch(ctx context.Context, id string) (*Batch, error) {
	if err := flow.ValidateID(id); err != nil {
		return nil, err
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	info, err := p.flows.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if info.HasSteps {
		return nil, fmt.Errorf("%w: %s is a flow of steps, not a batch", drayhorse.ErrInvalid, id)
	}
	info.Duplicate = true
	return p.batch(info), nil
}

// aliveEvery is how often Add tells that the creator of a batch lives.
const aliveEvery = time.Minute

// Add stores jobs as members of the batch, as EnqueueMany does: a job whose ID is known already, or
// that counts as the same as another, is no member. Unique with KeepLast or Postpone is not possible.
//
// The errors are those of EnqueueMany, and drayhorse.ErrFlowEnded once the batch is closed: then
// none of them is stored, or a ManyError says which are.
func (b *Batch) Add(ctx context.Context, specs ...drayhorse.Spec) ([]*drayhorse.Info, error) {
	p := b.producer
	if len(specs) > MaxMany {
		return nil, fmt.Errorf("%w: %d specs; want at most %d in one call", drayhorse.ErrInvalid, len(specs), MaxMany)
	}
	all, queues, err := p.prepareAll(specs)
	if err != nil {
		return nil, err
	}
	for i, job := range all {
		if err := flows.Link(b.ID, b.made, job); err != nil {
			return nil, fmt.Errorf("spec %d: %w", i, err)
		}
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	end := p.watch(ctx, all, queues)
	infos, err := p.enqueueMany(ctx, all, queues, b.join)
	end(infos, err)
	return infos, err
}

// AddBatch makes a batch that is itself a member of this one, which does not end before it has, and counts it as it
// ends: completed, failed as discarded, or cancelled. It is to be closed like any other. Whoever cancels this
// one cancels it, too. The errors are those of NewBatch, drayhorse.ErrFlowEnded once this one is closed, and ErrDuplicate
// if there is a flow of that ID that is not its member.
func (b *Batch) AddBatch(ctx context.Context, child flow.Batch) (*Batch, error) {
	p := b.producer
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	info, err := p.flows.AddBatch(ctx, b.ID, b.made, child, p.maxArgs)
	if err != nil {
		return nil, err
	}
	return p.batch(info), nil
}

// AddFlow begins a flow of steps that is a member of this batch, as AddBatch does with a batch. The errors are
// those of Submit, drayhorse.ErrFlowEnded once the batch is closed, and ErrDuplicate if there is a flow of that ID that is not
// its member.
func (b *Batch) AddFlow(ctx context.Context, f *flow.Flow) (*flow.Info, error) {
	p := b.producer
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	info, err := p.flows.AddFlow(ctx, b.ID, b.made, f, p.maxArgs)
	if err != nil {
		return nil, err
	}
	p.relay(ctx, info.ID)
	return info, nil
}

// batch is one that is there, for who adds to it.
func (p *Producer) batch(info *flow.Info) *Batch {
	return &Batch{ID: info.ID, Duplicate: info.Duplicate, producer: p, made: info.CreatedAt, joined: map[*jobs.Partition]bool{}}
}

// join tells the batch of the partitions in which it may have members from now on. It comes
// before they have any: what the batch does not know of, it does not wait for.
func (b *Batch) join(ctx context.Context, groups []*group) error {
	var unknown []*jobs.Partition
	b.mu.Lock()
	for _, g := range groups {
		if !b.joined[g.part] && !slices.Contains(unknown, g.part) {
			unknown = append(unknown, g.part)
		}
	}
	alive := time.Since(b.since) < aliveEvery
	b.mu.Unlock()
	if len(unknown) == 0 && alive {
		return nil
	}
	begun := time.Now()
	for some := range slices.Chunk(unknown, joinAtOnce) {
		if err := b.producer.flows.Join(ctx, b.ID, b.made, some...); err != nil {
			return err
		}
	}
	if len(unknown) == 0 {
		if err := b.producer.flows.Join(ctx, b.ID, b.made); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, part := range unknown {
		b.joined[part] = true
	}
	b.since = begun
	return nil
}

// joinAtOnce is how many partitions one call joins.
const joinAtOnce = 500

// Close has the batch take no more members but those that members add. It is for the creator to call
// when all are added; without a member the callbacks are enqueued now. It may be called again. The errors are
// drayhorse.ErrNotFound, ErrClosed and those of Redis.
func (b *Batch) Close(ctx context.Context) error {
	p := b.producer
	if err := p.enter(); err != nil {
		return err
	}
	defer p.leave()
	if _, err := p.flows.Close(ctx, b.ID); err != nil {
		return err
	}
	p.relay(ctx, b.ID)
	return nil
}

// relayFor is for how long a caller itself does what its call has brought about.
const relayFor = 5 * time.Second

// relay does what a flow wants done now. What is left, a worker does.
func (p *Producer) relay(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(ctx, relayFor)
	defer cancel()
	if err := p.flows.Drain(ctx, id); err != nil {
		p.log.DebugContext(ctx, "flow left to workers", slog.String(logs.Error, err.Error()))
	}
}

// Flow gives what is known of a flow: of a batch at a cost that does not grow with it, of one of
// steps with those. What its jobs do is known a moment later. The errors are
// drayhorse.ErrNotFound, ErrInvalid, ErrClosed and ErrUnavailable.
func (p *Producer) Flow(ctx context.Context, id string) (*flow.Info, error) {
	if err := flow.ValidateID(id); err != nil {
		return nil, err
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	return p.flows.GetWithSteps(ctx, id)
}

// FlowResult gives the result of a step of a flow that has completed, as flow.Result does in a step that comes after
// it: what its handler gave to Job.SetResult, or the value of a signal, decoded into v. It is known as long as the flow is.
// The errors are drayhorse.ErrNoResult, which says why; ErrNotFound; ErrInvalid if the flow has no such step, or the result does not fit
// v; ErrClosed and ErrUnavailable.
func (p *Producer) FlowResult(ctx context.Context, id, step string, v any) error {
	if err := flow.ValidateID(id); err != nil {
		return err
	}
	if err := p.enter(); err != nil {
		return err
	}
	defer p.leave()
	result, err := p.flows.ResultOf(ctx, id, step)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(result, v); err != nil {
		return fmt.Errorf("%w: the result of step %s does not fit a %T: %w", drayhorse.ErrInvalid, step, v, err)
	}
	return nil
}

// CancelFlow cancels all members of a batch that have not ended, and has it take no more; or all
// steps of a flow, also those that would run after any end: those that wait end now, the contexts of those that run end soon. It may be called again. The errors are drayhorse.ErrNotFound, ErrFlowEnded if it
// has ended, ErrInvalid, ErrClosed and those of Redis.
func (p *Producer) CancelFlow(ctx context.Context, id string) error {
	if err := flow.ValidateID(id); err != nil {
		return err
	}
	if err := p.enter(); err != nil {
		return err
	}
	defer p.leave()
	if _, err := p.flows.Cancel(ctx, id, "cancelled"); err != nil {
		return err
	}
	p.relay(ctx, id)
	return nil
}

// Submit stores a flow of steps and begins it: nothing of it runs before all is stored. If there is
// one of that ID and the same steps, it gives that, with Duplicate. Info.Steps is left to [Producer.Flow].
//
// The errors are drayhorse.ErrInvalid, which names all that is wrong with the flow; ErrDuplicate if
// there is another flow of that ID; ErrFlowEnded if one of that ID has ended and is about to be forgotten;
// ErrClosed; and those of Redis: then it may be stored or not, and it is safe to submit it again, if it has an ID.
func (p *Producer) Submit(ctx context.Context, f *flow.Flow) (*flow.Info, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	if err := p.engine.Check(ctx); err != nil {
		return nil, err
	}
	info, err := p.flows.Submit(ctx, f, p.maxArgs)
	if err != nil {
		return nil, err
	}
	p.relay(ctx, info.ID)
	return info, nil
}

// RetryFlow has steps of a flow run again that have ended, as again says. Steps that run go on, and
// what waits for one that runs again waits for that. A deadline begins anew. It may be called again.
//
// The errors are drayhorse.ErrNotFound, ErrInvalid, also for a batch, whose jobs are retried one
// by one; ErrClosed and those of Redis.
func (p *Producer) RetryFlow(ctx context.Context, id string, again flow.Again) error {
	if err := flow.ValidateID(id); err != nil {
		return err
	}
	if err := p.enter(); err != nil {
		return err
	}
	defer p.leave()
	if _, err := p.flows.Retry(ctx, id, again); err != nil {
		return err
	}
	p.relay(ctx, id)
	return nil
}

// signalFlow gives a signal to the flow of an ID. It reports false if there is none.
func (p *Producer) signalFlow(ctx context.Context, id string, signal *jobs.Signal) (found bool, err error) {
	if flow.ValidateID(id) != nil {
		return false, nil
	}
	if err := p.enter(); err != nil {
		return false, err
	}
	defer p.leave()
	if used, err := p.flows.InUse(ctx); err != nil || !used {
		return false, nil //nolint:nilerr // a job may be reached where this is not
	}
	_, err = p.flows.Signal(ctx, id, signal)
	if errors.Is(err, drayhorse.ErrNotFound) {
		return false, nil
	}
	if err == nil {
		p.relay(ctx, id)
	}
	return true, err
}

// errEnded is the error of a member that was not stored.
func errEnded(job *jobs.NewJob) error {
	id, _ := jobs.ParseLink(job.Envelope.Link)
	return fmt.Errorf("%w: batch %s is closed", drayhorse.ErrFlowEnded, id)
}
