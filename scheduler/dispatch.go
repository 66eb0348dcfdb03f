package scheduler

import (
	"context"
	"log/slog"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/schedules"
)

// pollEvery is how often ticks that wait for a job to end are looked at.
const pollEvery = time.Second

// sequence is what has to stay in order: the ticks of a schedule in a partition, or all of
// them (nil) if its jobs may not overlap.
type sequence struct {
	schedule string
	to       *jobs.Partition
}

// inFlight is how many ticks are on their way.
type inFlight map[sequence]int

// add counts the ticks of a delivery, n for each. They count for both sorts of sequences:
// the policy may change meanwhile.
func (f inFlight) add(d *delivery, n int) {
	for _, t := range d.ticks {
		for _, to := range []*jobs.Partition{t.to, nil} {
			into := sequence{t.taken.Schedule, to}
			if f[into] += n; f[into] == 0 {
				delete(f, into)
			}
		}
	}
}

// restore reads the outbox after the beginning of a term, and when it is not known
// what it holds.
func (l *leader) restore(ctx context.Context) error {
	if l.outbox.known {
		return nil
	}
	l.outbox.begin()
	var gone []schedules.Clearing
	for offset := 0; ; offset += schedules.MaxTake {
		taken, err := l.scheduler.store.Take(ctx, l.number, schedules.Outbox, offset)
		if err != nil {
			return err
		}
		for _, t := range taken {
			l.outbox.add(t.Entry)
			l.outbox.putOff(t.Schedule)
		}
		gone = append(gone, l.dispatch(ctx, schedules.Outbox, taken)...)
		if len(taken) < schedules.MaxTake {
			break
		}
	}
	return l.clear(ctx, gone)
}

// poll looks at the ticks that wait for a job to end.
func (l *leader) poll(ctx context.Context) error {
	if time.Since(l.polled) < pollEvery {
		return nil
	}
	l.polled = time.Now()
	l.delays.prune()
	var gone []schedules.Clearing
	for offset := 0; ; offset += schedules.MaxTake {
		taken, err := l.scheduler.store.Take(ctx, l.number, schedules.Waiting, offset)
		if err != nil {
			return err
		}
		gone = append(gone, l.dispatch(ctx, schedules.Waiting, taken)...)
		if len(taken) < schedules.MaxTake {
			return l.clear(ctx, gone)
		}
	}
}

// resend sends what is in the outbox and may go.
func (l *leader) resend(ctx context.Context) error {
	l.queues.ask(ctx)
	for {
		entries := l.outbox.ready(time.Now())
		if len(entries) == 0 {
			return nil
		}
		taken, err := l.scheduler.store.Retake(ctx, l.number, entries)
		if err != nil {
			return err
		}
		there := map[schedules.Entry]bool{}
		for _, t := range taken {
			there[t.Entry] = true
		}
		for _, e := range entries {
			if !there[e] {
				l.outbox.remove(e)
			}
		}
		if err := l.clear(ctx, l.dispatch(ctx, schedules.Outbox, taken)); err != nil {
			return err
		}
	}
}

// dispatch groups ticks by their routes and has each group delivered. It gives those of
// schedules that are gone.
func (l *leader) dispatch(ctx context.Context, box schedules.Box, taken []schedules.Taken) []schedules.Clearing {
	p := &pass{leader: l, box: box, routes: map[string]route{}, stuck: map[sequence]bool{}, deliveries: map[route]*delivery{}}
	var gone []schedules.Clearing
	for _, t := range taken {
		d := l.declaration(ctx, t)
		if d == nil {
			gone = append(gone, schedules.Clearing{Taken: t})
			continue
		}
		p.add(t, d)
	}
	for _, d := range p.deliveries {
		l.inFlight.add(d, 1)
		l.mail.run(func() any { d.run(ctx); return d })
	}
	l.queues.ask(ctx)
	return gone
}

// declaration gives the schedule of a tick, or nil if there is none any more.
func (l *leader) declaration(ctx context.Context, t schedules.Taken) *schedules.Declaration {
	if t.Raw == "" {
		return nil
	}
	known, err := l.known.get(t.Schedule, t.Raw)
	if err != nil {
		l.scheduler.log.ErrorContext(ctx, "schedule cannot be read and its tick is dropped", slog.String(logs.Schedule, t.Schedule), slog.Any(logs.Error, err))
		return nil
	}
	return &known.record.Declaration
}

// pass is one look at ticks. The ticks of a schedule reach a partition in ascending
// order, because its guard takes an earlier one that comes later for a duplicate: so
// where one has to stay, all behind it stay.
type pass struct {
	leader     *leader
	box        schedules.Box
	routes     map[string]route // of schedules whose jobs may not overlap: that of their first tick
	stuck      map[sequence]bool
	deliveries map[route]*delivery
}

// add puts a tick on its way, or leaves it where it is and says when to look again.
func (p *pass) add(t schedules.Taken, d *schedules.Declaration) {
	l := p.leader
	id := schedules.JobID(t.Schedule, t.Tick)
	to := l.queues.partition(schedules.Place{Queue: t.Queue, ID: id})
	into := sequence{t.Schedule, to}
	if d.Overlap != schedules.OverlapAllow {
		into.to = nil // all of them wait for each other
	}
	r, ok := p.route(t, d, to)
	until := l.delays.until(r)
	switch {
	case to == nil || !ok: // the answer of the directory has everything looked at
	case p.stuck[into] || l.inFlight[into] > 0: // the end of a delivery has
	case until.After(time.Now()):
		l.outbox.lookAt(t.Schedule, until)
	default:
		group := p.deliveries[r]
		if group == nil {
			group = &delivery{scheduler: l.scheduler, box: p.box, route: r, writer: l.writer(r.to)}
			p.deliveries[r] = group
		}
		group.ticks = append(group.ticks, &tick{taken: t, declaration: d, to: to, id: id})
		return
	}
	p.stuck[into] = true
}

// route gives the route of a tick; ok is false while a queue is not known. All ticks of
// a schedule whose jobs may not overlap go with the first, since what becomes of one
// decides on the next.
func (p *pass) route(t schedules.Taken, d *schedules.Declaration, to *jobs.Partition) (r route, ok bool) {
	if d.Overlap == schedules.OverlapAllow {
		return route{to: to}, true
	}
	if r, ok := p.routes[t.Schedule]; ok {
		return r, true
	}
	r = route{to: to}
	if t.Last != (schedules.Place{}) {
		if r.last = p.leader.queues.partition(t.Last); r.last == nil {
			return r, false
		}
	}
	p.routes[t.Schedule] = r
	return r, true
}

// writer gives the way into a partition.
func (l *leader) writer(part *jobs.Partition) *jobs.Writer {
	writer := l.writers[part]
	if writer == nil {
		writer = jobs.NewWriter(part)
		l.writers[part] = writer
	}
	return writer
}
