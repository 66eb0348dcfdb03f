package schedules

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// MaxBackfill is the most ticks that one Backfill enqueues.
const MaxBackfill = 10_000

// Trigger enqueues a job of a schedule now, beside its ticks, whether it is paused
// or overlaps, and whether a scheduler runs. The error is drayhorse.ErrNotFound.
func (s *Store) Trigger(ctx context.Context, engine *jobs.Engine, id string) (Place, error) {
	status, now, err := s.get(ctx, id)
	if err != nil {
		return Place{}, err
	}
	request := strings.ToLower(rand.Text()[:8])
	job := status.Job(JobID(id, now)+":t-"+request, now, s.client.Now())
	stored, err := enqueue(ctx, engine, status.Queue, job)
	if err != nil {
		return Place{}, err
	}
	place := Place{status.Queue, job.ID}
	event := Event{Tick: now, At: stored[0].Now, Outcome: Triggered, Queue: place.Queue, JobID: place.ID}
	return place, s.Note(ctx, Note{id, event})
}

// Filled is what a backfill did.
type Filled struct {
	Enqueued   int `json:"enqueued"`
	Duplicates int `json:"duplicates"` // ticks that the same backfill had enqueued already
}

// Backfill enqueues a job for each tick of a schedule from from to to, both
// inclusive, whether it has had one already or not, and without regard to the
// policies of the schedule. A tick that was backfilled before is a duplicate while
// its job lives and for 24 h after, so that an interrupted backfill can be
// repeated. The errors are drayhorse.ErrNotFound, and ErrInvalid for more than
// MaxBackfill ticks or none.
func (s *Store) Backfill(ctx context.Context, engine *jobs.Engine, id string, from, to time.Time) (Filled, error) {
	var done Filled
	status, err := s.Get(ctx, id)
	if err != nil {
		return done, err
	}
	ticks, err := status.between(from, to)
	if err != nil {
		return done, err
	}
	var at time.Time
	for len(ticks) > 0 {
		n := min(len(ticks), pageSize)
		all := make([]*jobs.NewJob, n)
		for i := range all {
			all[i] = status.Job(JobID(id, ticks[i])+":backfill", ticks[i], s.client.Now())
		}
		stored, err := enqueue(ctx, engine, status.Queue, all...)
		for _, s := range stored {
			at = s.Now
			if s.Duplicate {
				done.Duplicates++
			} else {
				done.Enqueued++
			}
		}
		if err != nil {
			return done, err
		}
		ticks = ticks[n:]
	}
	return done, s.Note(ctx, Note{id, Event{Tick: to, At: at, Outcome: Backfilled, Count: done.Enqueued}})
}

// between gives the ticks of a schedule from from to to.
func (d *Declaration) between(from, to time.Time) ([]time.Time, error) {
	if to.Before(from) {
		return nil, fmt.Errorf("%w: to %s is before from %s", drayhorse.ErrInvalid, to.Format(time.RFC3339), from.Format(time.RFC3339))
	}
	t, err := d.Timetable()
	if err != nil {
		return nil, err
	}
	var ticks []time.Time
	for tick := t.Next(from.Add(-time.Millisecond)); !tick.IsZero() && !tick.After(to); tick = t.Next(tick) {
		if len(ticks) == MaxBackfill {
			return nil, fmt.Errorf("%w: more than %d ticks from %s to %s; want a shorter range", drayhorse.ErrInvalid, MaxBackfill, from.Format(time.RFC3339), to.Format(time.RFC3339))
		}
		ticks = append(ticks, tick)
	}
	if len(ticks) == 0 {
		return nil, fmt.Errorf("%w: no tick of schedule %s from %s to %s; want a range with at least one", drayhorse.ErrInvalid, d.ID, from.Format(time.RFC3339), to.Format(time.RFC3339))
	}
	return ticks, nil
}

// enqueue stores jobs of one queue. The answers are in the order of the jobs only
// for one partition; each job has one.
func enqueue(ctx context.Context, engine *jobs.Engine, queue string, all ...*jobs.NewJob) ([]jobs.Stored, error) {
	partitions, err := engine.Queue(ctx, queue)
	if err != nil {
		return nil, err
	}
	groups := map[*jobs.Partition][]*jobs.NewJob{}
	for _, job := range all {
		part := jobs.PartitionOf(partitions, job.ID)
		groups[part] = append(groups[part], job)
	}
	var stored []jobs.Stored
	for part, group := range groups {
		writer := jobs.NewWriter(part)
		some, failed := writer.Enqueue(ctx, group...)
		writer.Close()
		stored, err = append(stored, some...), errors.Join(err, failed)
	}
	return stored, err
}
