package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/events"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// Queue is the size of a queue at one moment, all its partitions together.
type Queue struct {
	Name       string `json:"name"`
	Partitions int    `json:"partitions"`
	Paused     bool   `json:"paused"` // at least one partition gives no claims
	// Pauses say what is paused, of the queue first, then of its kinds in their order.
	Pauses []Paused `json:"pauses,omitempty"`

	// Jobs by state. Of ended jobs, those that are kept.
	Scheduled int `json:"scheduled"`
	Available int `json:"available"` // those that were cancelled since may count for a while
	Running   int `json:"running"`
	Retryable int `json:"retryable"`
	Completed int `json:"completed"`
	Cancelled int `json:"cancelled"`
	Discarded int `json:"discarded"`

	Suspects int `json:"suspects"` // of the available: their workers died twice
	Parked   int `json:"parked"`   // of the available: no worker so far serves their kind
	Held     int `json:"held"`     // of the available: set aside since their kind is paused or has a limit
	Leases   int `json:"leases"`   // of workers that hold jobs
	// Priorities are how many of no group are in line of each but normal, where there are any.
	Priorities map[drayhorse.Priority]int `json:"priorities,omitempty"`
	Grouped    int                        `json:"grouped,omitzero"` // of the available: in line, of groups
	Groups     int                        `json:"groups,omitzero"`  // that have jobs in line; one counts for each priority of which it has some

	// MaxDepth is how many live jobs there may be; 0: any number. See SetMaxDepth.
	MaxDepth int `json:"max_depth,omitzero"`

	// Oldest is when the next job in line was enqueued, or due if that is later;
	// zero if none is. One that failed before is passed over where another follows.
	Oldest time.Time `json:"oldest,omitzero"`
	// Now is the time of all this, by Redis's clock.
	Now time.Time `json:"now"`
	// Problem is why the queue cannot be counted, or not all of it; empty: it can. The
	// numbers are then those of the partitions that answered.
	Problem string `json:"problem,omitempty"`
	// Totals count since the queue exists: enqueued, completed, cancelled,
	// discarded, failed, rescued and others.
	Totals map[string]int64 `json:"totals"`
}

// Latency is how long the next job in line has waited; 0 if none is in line.
func (q *Queue) Latency() time.Duration {
	if q.Oldest.IsZero() {
		return 0
	}
	return max(q.Now.Sub(q.Oldest), 0)
}

// Queues gives all queues, ordered by name. One that cannot be counted has a Problem
// and keeps the others from nothing. The error is drayhorse.ErrUnavailable.
func (a *Admin) Queues(ctx context.Context) ([]Queue, error) {
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	all, unreadable, err := a.engine.List(ctx)
	if err != nil {
		return nil, err
	}
	queues := make([]Queue, 0, len(all)+len(unreadable))
	for some := range slices.Chunk(all, countAtOnce) {
		counted, err := a.countEach(ctx, some)
		if err != nil {
			return nil, err
		}
		queues = append(queues, counted...)
	}
	for name, why := range unreadable {
		queues = append(queues, Queue{Name: name, Problem: why.Error(), Totals: map[string]int64{}})
	}
	slices.SortFunc(queues, func(a, b Queue) int { return cmp.Compare(a.Name, b.Name) })
	return queues, nil
}

// countAtOnce is how many queues one round trip counts.
const countAtOnce = 200

// countEach counts queues. The error is that none of them answers.
func (a *Admin) countEach(ctx context.Context, some [][]*jobs.Partition) ([]Queue, error) {
	sizes, err := a.engine.Summaries(ctx, slices.Concat(some...)...)
	var failed []error // of those without a size, in their order
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		failed = joined.Unwrap()
	}
	queues, silent := make([]Queue, len(some)), 0
	for i, partitions := range some {
		q := &queues[i]
		*q = Queue{Name: partitions[0].Queue, Partitions: len(partitions), Totals: map[string]int64{}}
		for range partitions {
			size := sizes[0]
			if sizes = sizes[1:]; size != nil {
				q.add(size)
				continue
			}
			q.Problem = failed[0].Error()
			if errors.Is(failed[0], drayhorse.ErrUnavailable) {
				silent++
			}
			failed = failed[1:]
		}
	}
	if silent > 0 && silent == len(slices.Concat(some...)) {
		return nil, err
	}
	return queues, nil
}

// Queue gives one queue. The error is drayhorse.ErrNotFound, ErrQueueInvalid or
// ErrUnavailable.
func (a *Admin) Queue(ctx context.Context, name string) (*Queue, error) {
	partitions, err := a.queue(ctx, name)
	if err != nil {
		return nil, err
	}
	return a.sum(ctx, partitions)
}

// queue gives the partitions of one queue; unlike queues it refuses "".
func (a *Admin) queue(ctx context.Context, name string) ([]*jobs.Partition, error) {
	if err := drayhorse.ValidateQueue(name); err != nil {
		return nil, err
	}
	one, err := a.queues(ctx, name)
	if err != nil {
		return nil, err
	}
	return one[0], nil
}

// sum adds up the partitions of a queue.
func (a *Admin) sum(ctx context.Context, partitions []*jobs.Partition) (*Queue, error) {
	sizes, err := a.engine.Summaries(ctx, partitions...)
	if err != nil {
		return nil, err
	}
	q := &Queue{Name: partitions[0].Queue, Partitions: len(partitions), Totals: map[string]int64{}}
	for _, s := range sizes {
		q.add(s)
	}
	return q, nil
}

func (q *Queue) add(s *jobs.Summary) {
	q.Now = s.Now
	q.Paused = q.Paused || s.Paused
	q.MaxDepth += s.MaxDepth
	q.Scheduled += s.Scheduled
	q.Available += s.Available
	q.Running += s.Running
	q.Retryable += s.Retryable
	q.Completed += s.Completed
	q.Cancelled += s.Cancelled
	q.Discarded += s.Discarded
	q.Suspects += s.Suspects
	q.Parked += s.Parked
	q.Held += s.Held
	q.Grouped += s.Grouped
	q.Groups += s.Groups
	q.addPauses(s.Pauses)
	for p, n := range s.Ranks {
		if q.Priorities == nil && n > 0 {
			q.Priorities = map[drayhorse.Priority]int{}
		}
		if n > 0 {
			q.Priorities[p] += n
		}
	}
	q.Leases += s.Leases
	if !s.Oldest.IsZero() && (q.Oldest.IsZero() || s.Oldest.Before(q.Oldest)) {
		q.Oldest = s.Oldest
	}
	for name, n := range s.Totals {
		q.Totals[name] += n
	}
}

// CreateQueue makes a queue of 1 to 1,024 partitions, which spread it over the
// nodes of a Cluster. Their number is fixed from then on: for a queue that has
// another one the error is drayhorse.ErrInvalid. To create it again is harmless.
func (a *Admin) CreateQueue(ctx context.Context, name string, partitions int) (*Queue, error) {
	if err := drayhorse.ValidateQueue(name); err != nil {
		return nil, err
	}
	if partitions < 1 || partitions > jobs.MaxPartitions {
		return nil, fmt.Errorf("%w: %d partitions; want 1 to %d", drayhorse.ErrInvalid, partitions, jobs.MaxPartitions)
	}
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	made, err := a.engine.CreateQueue(ctx, name, partitions)
	if err != nil {
		return nil, err
	}
	if len(made) != partitions {
		return nil, fmt.Errorf("%w: %d partitions; queue %q has %d, which is fixed", drayhorse.ErrInvalid, partitions, name, len(made))
	}
	return a.sum(ctx, made)
}

// SetMaxDepth sets how many live jobs a queue may have: those that wait, for a worker or for
// their time, and those that run. Beyond it no job is stored: drayhorse.ErrQueueFull. What is
// there stays, and retries and what operators bring back are never refused. 0 takes the
// limit away. Of several partitions each has an equal part of it. The error is
// drayhorse.ErrInvalid, ErrNotFound, ErrQueueInvalid or ErrUnavailable; after the last, a part
// of the partitions may have it.
func (a *Admin) SetMaxDepth(ctx context.Context, queue string, most int) error {
	partitions, err := a.queue(ctx, queue)
	if err != nil {
		return err
	}
	if err := jobs.SetMaxDepth(ctx, partitions, most); err != nil {
		return err
	}
	a.log.InfoContext(ctx, "max depth of queue set", slog.String(logs.Queue, queue), slog.Int("max_depth", most))
	a.did("max depth of queue set", events.Event{Queue: queue, Count: most})
	return nil
}

// DeletedQueue is what became of a queue that was to be deleted.
type DeletedQueue struct {
	Name string
	Jobs int   // live jobs that went with it
	Err  error // drayhorse.ErrNotFound, ErrNotEmpty, ErrQueueInvalid or ErrUnavailable
}

// DeleteQueue removes a queue with all that is known of it, also its ended jobs. With
// live jobs, which are those that wait or run, it is left as it is unless force is set;
// the context of one that runs then ends. It gives how many live jobs went with it. A
// job that is put in meanwhile makes the queue anew. The error is drayhorse.ErrNotFound,
// ErrNotEmpty, ErrQueueInvalid or ErrUnavailable.
func (a *Admin) DeleteQueue(ctx context.Context, queue string, force bool) (int, error) {
	all, err := a.DeleteQueues(ctx, force, queue)
	if err != nil {
		return 0, err
	}
	return all[0].Jobs, all[0].Err
}

// DeleteQueues is DeleteQueue for many, at a lower cost each: Redis is searched once for
// what their producers have left.
func (a *Admin) DeleteQueues(ctx context.Context, force bool, queues ...string) ([]DeletedQueue, error) {
	for _, queue := range queues {
		if err := drayhorse.ValidateQueue(queue); err != nil {
			return nil, err
		}
	}
	if err := a.check(ctx); err != nil {
		return nil, err
	}
	all := make([]DeletedQueue, len(queues))
	for i, d := range a.engine.DropQueues(ctx, force, queues...) {
		all[i] = DeletedQueue{d.Queue, d.Jobs, d.Err}
		if d.Err == nil {
			a.log.InfoContext(ctx, "queue deleted", slog.String(logs.Queue, d.Queue), slog.Int(logs.Count, d.Jobs))
			a.did("queue deleted", events.Event{Queue: d.Queue, Count: d.Jobs})
		}
	}
	return all, nil
}

// Purge deletes all jobs of a queue in a state other than running and says how
// many they were, also beside an error, after which some are left.
func (a *Admin) Purge(ctx context.Context, queue string, state drayhorse.State) (int, error) {
	if err := validateState(state); err != nil {
		return 0, err
	}
	if state == drayhorse.Running {
		return 0, fmt.Errorf("%w: state %q; running jobs cannot be purged, only cancelled", drayhorse.ErrInvalid, state)
	}
	return a.count(ctx, queue, "jobs purged", func(p *jobs.Partition) (int, error) { return p.Purge(ctx, state) })
}

// Resync puts jobs that are in no line back into theirs and says how many they
// were. There are none unless the data in Redis was damaged. It reads the whole
// queue, so it is not for every minute.
func (a *Admin) Resync(ctx context.Context, queue string) (int, error) {
	return a.count(ctx, queue, "queue resynced", func(p *jobs.Partition) (int, error) { return p.Resync(ctx) })
}

func (a *Admin) count(ctx context.Context, queue, done string, act func(*jobs.Partition) (int, error)) (int, error) {
	partitions, err := a.queue(ctx, queue)
	if err != nil {
		return 0, err
	}
	total := 0
	for _, p := range partitions {
		n, err := act(p)
		total += n
		if err != nil {
			return total, err
		}
	}
	a.log.InfoContext(ctx, done, slog.String(logs.Queue, queue), slog.Int(logs.Count, total))
	a.did(done, events.Event{Queue: queue, Count: total})
	return total, nil
}
