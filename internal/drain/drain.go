package drain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/hibiken/asynq"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// pageSize is how many tasks are read, and stored, at a time.
const pageSize = 500

// followEvery is the time between two looks for new tasks.
const followEvery = time.Second

// Config says what is moved where.
type Config struct {
	From   *asynq.Inspector
	To     *jobs.Engine
	Queues []string // none: all that asynq has
	// Rename says what queues are called here, by their names in asynq. The others keep
	// theirs.
	Rename map[string]string
	// Follow goes on, once all is moved, with what producers write, until the
	// context ends.
	Follow bool
	// Progress is told of each page that was moved. nil: nobody is.
	Progress func(q *Queue)
	Logger   *slog.Logger // nil: none
}

// Queue is what became of a queue's tasks.
type Queue struct {
	Name string // in asynq
	To   string // here
	// Before and After are what asynq had when the drain began and when it ended.
	Before, After *asynq.QueueInfo
	Moved         map[asynq.TaskState]int // by the state they had in asynq
	Known         map[asynq.TaskState]int // stored by a drain before this one, and removed now
	Kept          []Kept                  // that cannot be moved
}

// Kept is a task that stays in asynq.
type Kept struct {
	ID     string
	State  asynq.TaskState
	Reason string
}

// States are the states of tasks that are moved, in the order in which it is done:
// a task that goes on to its next state meanwhile is found there. Archived ones come
// first, so that there is room in asynq's archive; see mover.remove.
var States = []asynq.TaskState{
	asynq.TaskStateArchived, asynq.TaskStateScheduled, asynq.TaskStateRetry, asynq.TaskStatePending,
}

// Drain is one run.
type Drain struct {
	cfg     Config
	log     *slog.Logger
	movers  []*mover
	skipped []string
}

// New makes a drain.
func New(cfg Config) *Drain { return &Drain{cfg: cfg, log: logs.Or(cfg.Logger)} }

// Look gives what there is to move. It changes nothing. The error is
// drayhorse.ErrNotFound for a queue that asynq does not have, ErrQueueInvalid for one of
// Config's whose name is none here, and asynq's own.
func (d *Drain) Look() ([]*Queue, error) {
	if err := d.find(); err != nil {
		return nil, err
	}
	return d.queues(), nil
}

// Run moves tasks until none are left but what was written in the last moment, or,
// if it is to follow, until ctx ends, which is then no error. What was done by then
// it gives in any case.
func (d *Drain) Run(ctx context.Context) ([]*Queue, error) {
	defer d.close()
	err := d.find()
	for err == nil {
		var caughtUp bool
		caughtUp, err = d.round(ctx)
		if !d.cfg.Follow {
			if err == nil && !caughtUp {
				continue
			}
			break
		}
		if err != nil && ctx.Err() == nil {
			d.log.Warn("drain failed and is tried again", slog.String(logs.Error, err.Error()))
		}
		if !wait(ctx, caughtUp || err != nil) {
			err = nil
			break
		}
		err = d.find()
	}
	return d.queues(), errors.Join(err, d.after())
}

func wait(ctx context.Context, pause bool) bool {
	if !pause {
		return ctx.Err() == nil
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(followEvery):
		return true
	}
}

// Skipped gives the queues with tasks that are left alone, since their names are none
// here. Those that Config names are an error instead.
func (d *Drain) Skipped() []string { return append([]string{}, d.skipped...) }

// find makes a mover of each queue that has none yet.
func (d *Drain) find() error {
	all, err := d.cfg.From.Queues()
	if err != nil {
		return fmt.Errorf("list asynq's queues: %w", err)
	}
	names := d.cfg.Queues
	if len(names) == 0 {
		names = all
	}
	for _, name := range slices.Concat(names, slices.Collect(maps.Keys(d.cfg.Rename))) {
		if !slices.Contains(all, name) {
			return fmt.Errorf("%w: queue %q of asynq", drayhorse.ErrNotFound, name)
		}
	}
	for _, name := range slices.Sorted(slices.Values(names)) {
		if err := d.take(name); err != nil {
			return err
		}
	}
	return nil
}

// take makes a mover of a queue.
func (d *Drain) take(name string) error {
	if slices.Contains(d.skipped, name) || slices.ContainsFunc(d.movers, func(m *mover) bool { return m.Name == name }) {
		return nil
	}
	before, err := d.cfg.From.GetQueueInfo(name)
	if err != nil {
		return fmt.Errorf("look at queue %q of asynq: %w", name, err)
	}
	to := cmp.Or(d.cfg.Rename[name], name)
	if err := drayhorse.ValidateQueue(to); err != nil {
		if to != name || slices.Contains(d.cfg.Queues, name) {
			return err
		}
		if before.Size > 0 {
			d.skipped = append(d.skipped, name)
		}
		return nil
	}
	d.movers = append(d.movers, newMover(d.cfg, name, to, before))
	return nil
}

// round moves what each queue has, and reports whether that was so little that
// nothing older than the round can be left.
func (d *Drain) round(ctx context.Context) (caughtUp bool, err error) {
	caughtUp = true
	for _, m := range d.movers {
		n, err := m.pass(ctx)
		if err != nil {
			return false, fmt.Errorf("queue %q: %w", m.Name, err)
		}
		caughtUp = caughtUp && n < pageSize
	}
	return caughtUp, nil
}

func (d *Drain) after() error {
	var errs []error
	for _, m := range d.movers {
		var err error
		if m.After, err = d.cfg.From.GetQueueInfo(m.Name); err != nil {
			m.After = m.Before
			errs = append(errs, fmt.Errorf("look at queue %q of asynq: %w", m.Name, err))
		}
	}
	return errors.Join(errs...)
}

func (d *Drain) queues() []*Queue {
	queues := make([]*Queue, len(d.movers))
	for i, m := range d.movers {
		queues[i] = &m.Queue
	}
	return queues
}

func (d *Drain) close() {
	for _, m := range d.movers {
		m.close()
	}
}
