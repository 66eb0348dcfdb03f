package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// round is what a listener asks at once: calls about jobs of one partition each.
type round struct {
	groups map[group][]*awaited
	kept   map[*Partition][]*awaited // that have ended, and are in the archive
}

// group is what can be asked in one call.
type group struct {
	part    *Partition
	reports bool // those who wait are to be told of reports, too
	over    bool // nobody waits any more
}

func (b *round) add(a *awaited) {
	if b.groups == nil {
		b.groups, b.kept = map[group][]*awaited{}, map[*Partition][]*awaited{}
	}
	if a.kept {
		b.kept[a.part] = append(b.kept[a.part], a)
		return
	}
	g := group{part: a.part, reports: len(a.watchers) > 0}
	b.groups[g] = append(b.groups[g], a)
}

func (b *round) leave(a *awaited) {
	if b.groups == nil {
		b.groups = map[group][]*awaited{}
	}
	g := group{part: a.part, over: true}
	b.groups[g] = append(b.groups[g], a)
}

// maxFetch is how many ended jobs, with their results, are asked for in one call.
const maxFetch = 10

// run makes the calls of a round. It reports false if Redis is away: what was not answered
// is due again.
func (l *listener) run(ctx context.Context, b *round) bool {
	answered := true
	var calls []redis.Call
	var about [][]*awaited
	var groups []group
	l.mu.Lock()
	for g, all := range b.groups {
		for some := range slices.Chunk(all, maxAwait) {
			calls, about, groups = append(calls, l.call(g, some)), append(about, some), append(groups, g)
		}
	}
	l.mu.Unlock()
	for i, reply := range l.engine.awaitAll(ctx, calls) {
		if groups[i].over {
			continue // what was not heard, expires
		}
		standings, err := decodeStandings(reply, len(about[i]))
		answered = l.settle(about[i], standings, groups[i].reports, err) && answered
	}
	for p, all := range b.kept {
		for some := range slices.Chunk(all, maxFetch) {
			answered = l.fetch(ctx, p, some) && answered
		}
	}
	return answered
}

// call lays out one call. Callers hold mu.
func (l *listener) call(g group, some []*awaited) redis.Call {
	ttl := listens
	if g.over {
		ttl = 0
	}
	ask := make([]asked, len(some))
	for i, a := range some {
		ask[i] = asked{id: a.id, number: a.number, envelope: !g.over && a.envelope == "" && a.waits > 0}
	}
	return g.part.await(l.channel, ttl, g.reports, ask)
}

// settle takes in where jobs stand.
func (l *listener) settle(some []*awaited, standings []standing, reports bool, err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for i, a := range some {
		a.due = false
		switch {
		case err != nil:
			l.fail(a, now, err)
			continue
		case l.awaited[a.number] != a: // nobody waits any more
			if standings[i].live {
				l.over = append(l.over, a)
				l.wakeListener()
			}
			continue
		}
		a.askedAt = now
		a.tell()
		s := &standings[i]
		switch {
		case s.live:
			l.note(a, s, reports)
		case s.kept && a.waits == 0:
			l.end(a, nil, nil) // it is enough for those who watch
		case s.kept:
			a.kept = true
			l.Inbox.ask(a)
		case s.ended != nil:
			l.apply(a, s.ended)
		case s.seen != "":
			l.end(a, &drayhorse.Info{ID: UnpackID(a.id), Queue: a.part.Queue, State: s.seen}, nil)
		case a.known:
			l.end(a, nil, a.missing("it has ended and kept nothing, or was deleted"))
		default:
			l.end(a, nil, fmt.Errorf("%w: job %s in queue %s", drayhorse.ErrNotFound, UnpackID(a.id), a.part.Queue))
		}
	}
	return err == nil || !errors.Is(err, drayhorse.ErrUnavailable)
}

// note takes in that a job is live, and that this process will hear of it. Callers hold mu.
func (l *listener) note(a *awaited, s *standing, reports bool) {
	a.known, a.told = true, "e"
	if reports {
		a.told = "r"
	}
	if a.envelope == "" {
		a.envelope = s.envelope
	}
	if news := a.news; news != nil {
		a.news = nil
		l.apply(a, news)
		return
	}
	if len(a.watchers) > 0 && !reports { // one has come meanwhile
		l.Inbox.ask(a)
	}
}

// fetch gets what is kept of jobs that have ended.
func (l *listener) fetch(ctx context.Context, p *Partition, some []*awaited) bool {
	ids := make([]string, len(some))
	for i, a := range some {
		ids[i] = a.id
	}
	infos, err := p.Inspect(ctx, ids...)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for i, a := range some {
		a.due = false
		switch {
		case err != nil:
			l.fail(a, now, err)
		case infos[i] == nil:
			l.end(a, nil, a.missing("it has ended, and what was kept of it is gone"))
		case infos[i].State.Ended():
			l.end(a, infos[i], nil)
		default: // it was retried
			a.kept = false
			l.Inbox.ask(a)
		}
	}
	return err == nil || !errors.Is(err, drayhorse.ErrUnavailable)
}

// fail takes in that a job could not be asked about: while Redis is away, that is for
// later. Callers hold mu.
func (l *listener) fail(a *awaited, now time.Time, err error) {
	if l.awaited[a.number] != a {
		return
	}
	lasting := !errors.Is(err, drayhorse.ErrUnavailable)
	if lasting || (a.askedAt.IsZero() && now.Sub(a.since) >= impatience) {
		l.end(a, nil, err)
		return
	}
	l.Inbox.ask(a)
}

// missing is the error of a job that was there.
func (a *awaited) missing(why string) error {
	return fmt.Errorf("%w: nothing is known any more of job %s in queue %s: %s", drayhorse.ErrNotFound, UnpackID(a.id), a.part.Queue, why)
}
