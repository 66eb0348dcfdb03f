package admin

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// Queue is the size of a queue at one moment, all its partitions together.
type Queue struct {
	Name       string `json:"name"`
	Partitions int    `json:"partitions"`
	Paused     bool   `json:"paused"` // at least one partition gives no claims

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
	Leases   int `json:"leases"`   // of workers that hold jobs

	// Oldest is when the next job in line was enqueued, or due if that is later;
	// zero if none is. One that failed before is passed over where another follows.
	Oldest time.Time `json:"oldest,omitzero"`
	// Now is the time of all this, by Redis's clock.
	Now time.Time `json:"now"`
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

// Queues gives all queues, ordered by name. The error is drayhorse.ErrUnavailable.
func (a *Admin) Queues(ctx context.Context) ([]Queue, error) {
	all, err := a.queues(ctx, "")
	if err != nil {
		return nil, err
	}
	queues := make([]Queue, 0, len(all))
	for _, partitions := range all {
		q, err := sum(ctx, partitions)
		if err != nil {
			return nil, err
		}
		queues = append(queues, *q)
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
	return sum(ctx, partitions)
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
func sum(ctx context.Context, partitions []*jobs.Partition) (*Queue, error) {
	q := &Queue{Name: partitions[0].Queue, Partitions: len(partitions), Totals: map[string]int64{}}
	for _, p := range partitions {
		s, err := p.Summary(ctx)
		if err != nil {
			return nil, err
		}
		q.add(s)
	}
	return q, nil
}

func (q *Queue) add(s *jobs.Summary) {
	q.Now = s.Now
	q.Paused = q.Paused || s.Paused
	q.Scheduled += s.Scheduled
	q.Available += s.Available
	q.Running += s.Running
	q.Retryable += s.Retryable
	q.Completed += s.Completed
	q.Cancelled += s.Cancelled
	q.Discarded += s.Discarded
	q.Suspects += s.Suspects
	q.Parked += s.Parked
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
	return sum(ctx, made)
}

// Pause stops claims from a queue until Resume. Jobs that run go on. The error is
// drayhorse.ErrNotFound, ErrQueueInvalid or ErrUnavailable; after the last, a part
// of the partitions may be paused.
func (a *Admin) Pause(ctx context.Context, queue string) error {
	return a.each(ctx, queue, "queue paused", (*jobs.Partition).Pause)
}

// Resume lets claims from a queue go on. The errors are those of Pause.
func (a *Admin) Resume(ctx context.Context, queue string) error {
	return a.each(ctx, queue, "queue resumed", (*jobs.Partition).Resume)
}

func (a *Admin) each(ctx context.Context, queue, done string, act func(*jobs.Partition, context.Context) error) error {
	partitions, err := a.queue(ctx, queue)
	if err != nil {
		return err
	}
	for _, p := range partitions {
		if err := act(p, ctx); err != nil {
			return err
		}
	}
	a.log.InfoContext(ctx, done, slog.String(logs.Queue, queue))
	return nil
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
	return total, nil
}
