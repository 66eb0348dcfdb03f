package scheduler

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/schedules"
)

// pollEvery is how often ticks that wait for a job to end are looked at.
const pollEvery = time.Second

// drive empties the outbox into the queues. What fails stays for the next time.
func (l *leader) drive(ctx context.Context) error {
	for {
		if time.Since(l.polled) >= pollEvery {
			l.polled = time.Now()
			if _, _, err := l.pass(ctx, schedules.Waiting); err != nil {
				return err
			}
		}
		cleared, stayed, err := l.pass(ctx, schedules.Outbox)
		if err != nil || cleared == 0 || stayed == 0 {
			return err
		}
	}
}

// pass goes through a box once. It says how many of its ticks were cleared, and
// how many stay.
func (l *leader) pass(ctx context.Context, box schedules.Box) (cleared, stayed int, err error) {
	p := &pass{leader: l, box: box, stuck: map[string]bool{}, blocked: map[*jobs.Partition]bool{}}
	for {
		taken, err := l.store.Take(ctx, l.number, box, stayed)
		if err != nil {
			return cleared, stayed, err
		}
		n, err := p.dispatch(ctx, taken)
		cleared, stayed = cleared+n, stayed+len(taken)-n
		if err != nil || len(taken) < schedules.MaxTake {
			return cleared, stayed, errors.Join(err, p.failed)
		}
	}
}

// pass is one way through a box. The ticks of a schedule reach its queue in
// ascending order, because the guard takes an earlier one that comes later for a
// duplicate: so where one has to stay, all behind it stay.
type pass struct {
	*leader

	box     schedules.Box
	stuck   map[string]bool          // schedules whose later ticks stay
	blocked map[*jobs.Partition]bool // partitions that failed
	failed  error                    // how the first of them did
}

// dispatch decides on ticks, enqueues their jobs, and clears what is done. It gives
// how many were cleared.
func (p *pass) dispatch(ctx context.Context, taken []schedules.Taken) (int, error) {
	running, err := p.running(ctx, taken)
	if err != nil {
		return 0, err
	}
	var out []schedules.Clearing
	batch := newBatch(p)
	for _, t := range taken {
		d := p.declaration(ctx, t)
		if d == nil {
			out = append(out, schedules.Clearing{Taken: t})
			continue
		}
		if p.stuck[t.Schedule] {
			continue
		}
		v := judge(d, p.box, t.Waiting, running[t.Last])
		// What becomes of the next tick depends on what has become of this one.
		p.stuck[t.Schedule] = v == stay || d.Overlap != schedules.OverlapAllow && v != skip
		switch v {
		case stay:
			p.polled = time.Time{}
		case wait:
			out = append(out, schedules.Clearing{Taken: t, Wait: true})
		case skip:
			p.metrics.skipped.WithLabelValues(string(d.Overlap)).Inc()
			out = append(out, schedules.Clearing{Taken: t, Event: &schedules.Event{Tick: t.Tick, At: t.Now, Outcome: schedules.Skipped}})
		case replace:
			if err := p.cancel(ctx, t.Last); err != nil {
				return 0, err
			}
			fallthrough
		case send:
			if err := batch.add(ctx, t, d); err != nil {
				return 0, err
			}
		}
	}
	out = append(out, batch.send(ctx)...)
	return len(out), p.store.Clear(ctx, p.number, out)
}

// declaration gives the schedule of a tick, or nil if there is none any more.
func (p *pass) declaration(ctx context.Context, t schedules.Taken) *schedules.Declaration {
	if t.Raw == "" {
		return nil
	}
	known, err := p.known.get(t.Schedule, t.Raw)
	if err != nil {
		p.log.ErrorContext(ctx, "schedule cannot be read and its tick is dropped", slog.String(logs.Schedule, t.Schedule), slog.Any(logs.Error, err))
		return nil
	}
	return &known.record.Declaration
}

// running says which of the last jobs of schedules have not ended, where that
// matters.
func (p *pass) running(ctx context.Context, taken []schedules.Taken) (map[schedules.Place]bool, error) {
	asked := map[*jobs.Partition][]string{}
	for _, t := range taken {
		d := p.declaration(ctx, t)
		if d == nil || d.Overlap == schedules.OverlapAllow || t.Last == (schedules.Place{}) {
			continue
		}
		part, err := p.partition(ctx, t.Last)
		if err != nil {
			return nil, err
		}
		asked[part] = append(asked[part], t.Last.ID)
	}
	running := map[schedules.Place]bool{}
	for part, ids := range asked {
		for len(ids) > 0 {
			n := min(len(ids), jobs.MaxPage)
			infos, err := part.Inspect(ctx, ids[:n]...)
			if err != nil {
				return nil, err
			}
			for i, info := range infos {
				if info != nil && !info.State.Ended() {
					running[schedules.Place{Queue: part.Queue, ID: ids[i]}] = true
				}
			}
			ids = ids[n:]
		}
	}
	return running, nil
}

// cancel ends the job that the next one replaces, if it has not ended by itself.
func (p *pass) cancel(ctx context.Context, last schedules.Place) error {
	part, err := p.partition(ctx, last)
	if err != nil {
		return err
	}
	err = part.Cancel(ctx, last.ID)
	if errors.Is(err, drayhorse.ErrNotFound) {
		return nil
	}
	p.metrics.replaced.Inc()
	return err
}

// partition gives the partition where a job is.
func (l *leader) partition(ctx context.Context, p schedules.Place) (*jobs.Partition, error) {
	partitions, err := l.engine.Queue(ctx, p.Queue)
	if err != nil {
		return nil, err
	}
	return jobs.PartitionOf(partitions, p.ID), nil
}
