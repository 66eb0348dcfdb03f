package jobs

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/drayhorse/drayhorse"
)

// kind is that of a job as it is now: one that keeps the last may become of another one.
func (j *modelJob) kind() string {
	e, err := DecodeEnvelope(j.envelope)
	if err != nil {
		panic(err)
	}
	return e.Kind
}

// lane gives the jobs of a line that are in lanes; those of each group, next first.
func (m *model) lane(line string) []*modelJob {
	return slices.DeleteFunc(m.parked(), func(j *modelJob) bool { return slotOf(j.slot).line != line })
}

// modelKind is what is declared of a kind; of *, of all jobs.
type modelKind struct {
	paused      bool
	till, since int64 // ms before which none may start, and when that was said; 0: any time
	limit       modelLimit
	room        int64 // jobs that may start under the limit in this turn
}

// bounds is the limit as it is stored; empty: there is none.
func (k *modelKind) bounds() string {
	if l := &k.limit; l.most > 0 || l.every > 0 || l.breaker != nil {
		return fmt.Sprintf("k,%d,%d,%d", l.most, l.every, l.burst)
	}
	return ""
}

// runs is how many jobs of a kind do.
func (m *model) runs(kind string) (n int) {
	for _, j := range m.jobs {
		if j.place == inRunning && j.kind() == kind {
			n++
		}
	}
	return n
}

// measure says how many jobs of each kind may start.
func (m *model) measure(now int64) {
	for kind, k := range m.kinds {
		k.room, _ = k.limit.allowance(m.runs(kind), now)
	}
}

func isClosed(till, since, now int64) bool { return till > now && since <= now }

func (k *modelKind) closed(now int64) bool {
	return k != nil && (k.paused || isClosed(k.till, k.since, now))
}

// declared gives what is declared of a kind, which may be nothing yet.
func (m *model) declared(kind string) *modelKind {
	if m.kinds[kind] == nil {
		m.kinds[kind] = &modelKind{}
	}
	return m.kinds[kind]
}

// modelBarred says until when nobody is to be told of a lane; 0: it is paused.
type modelBarred struct {
	kind        string
	till, since int64
}

// held is how many jobs are aside of kinds that something is declared of.
func (m *model) held() int {
	n := 0
	for kind := range m.kinds {
		n += len(m.lane(kind))
	}
	for kind := range m.gates.limits {
		if m.kinds[kind] == nil && kind != "" {
			n += len(m.lane(kind))
		}
	}
	return n
}

// asides are what goes aside in one turn.
type asides struct {
	now   int64
	of    map[string][]*modelJob
	first map[string][]*modelJob // those of them that hold up others of their kind, of whatever group
	order []string
}

// gates are the lines into which a job may go aside.
func (j *modelJob) gates() []string {
	kind, group := j.kind(), j.group()
	if group == "" {
		return []string{kind}
	}
	return []string{kind + "=" + group, "=" + group, kind}
}

// isBehind says whether jobs are aside that a job in line does not overtake. Those of groups that wait hold up no
// other group.
func (m *model) isBehind(a *asides, j *modelJob, name string) bool {
	higher := func(o *modelJob) bool { return o.priority() >= j.priority() }
	return slices.ContainsFunc(a.first[name], higher) || slices.ContainsFunc(m.lane(name), func(o *modelJob) bool {
		s := slotOf(o.slot)
		return higher(o) && m.gates.waiting[modelSeat{s.line, s.priority, s.group}] == ""
	})
}

// bars says whether a job may not start yet as far as its kind and group go; then it goes aside. One
// that is in line does not overtake those that are aside and not of a lower priority. lane: the one
// that it is in, if any.
func (m *model) bars(a *asides, j *modelJob, lined bool, lane string) bool {
	for _, name := range j.gates() {
		declared := m.kinds[name]
		if name == lane || declared == nil || !declared.closed(a.now) && declared.room > 0 && (!lined || !m.isBehind(a, j, name)) {
			continue
		}
		a.put(j, name)
		if a.first == nil {
			a.first = map[string][]*modelJob{}
		}
		a.first[name] = append(a.first[name], j)
		return true
	}
	line, bars := m.barredInGroup(a, j, lined, lane)
	if bars {
		a.put(j, line)
	}
	return bars
}

// put has a job go aside.
func (a *asides) put(j *modelJob, line string) {
	if a.of == nil {
		a.of = map[string][]*modelJob{}
	}
	if a.of[line] == nil {
		a.order = append(a.order, line)
	}
	a.of[line] = append(a.of[line], j)
}

// flush puts into their lanes what goes aside.
func (m *model) flush(a *asides) {
	for _, kind := range a.order {
		for _, j := range a.of[kind] {
			m.setAside(j, kind, false)
		}
	}
}

// declare forgets the kinds of which nothing is declared.
func (m *model) declare() {
	maps.DeleteFunc(m.kinds, func(kind string, k *modelKind) bool {
		return !k.paused && k.till == 0 && k.bounds() == "" && len(m.lane(kind)) == 0
	})
}

// closeKind has no job of a kind start before a time is over.
func (m *model) closeKind(kind string, ms, now int64) {
	k := m.declared(kind)
	if !isClosed(k.till, k.since, now) || now+ms > k.till {
		k.till, k.since = now+ms, now
	}
}

// noteKinds is what a turn notes of kinds at its end.
func (m *model) noteKinds(now int64) {
	m.barred = nil
	for _, kind := range slices.Sorted(maps.Keys(m.kinds)) {
		k := m.kinds[kind]
		if !isClosed(k.till, k.since, now) {
			k.till, k.since = 0, 0
		}
		left, opens := k.limit.allowance(m.runs(kind), now)
		switch {
		case len(m.lane(kind)) == 0 || !k.closed(now) && left > 0:
		case k.paused:
			m.barred = append(m.barred, modelBarred{kind: kind})
		case left == 0:
			m.barred = append(m.barred, modelBarred{kind, max(opens, k.till), now})
		default:
			m.barred = append(m.barred, modelBarred{kind, k.till, k.since})
		}
	}
	m.declare()
}

// leaveKinds is what a job that leaves running does to what is noted of kinds: there may be room.
func (m *model) leaveKinds() {
	for _, k := range m.kinds {
		if k.limit.most > 0 {
			m.barred = nil
		}
	}
}

// startKinds notes that jobs have started.
func (m *model) startKinds(ids []string, now int64) {
	for _, id := range ids {
		if k := m.kinds[m.jobs[id].kind()]; k != nil {
			k.limit.started(1, now)
			k.limit.breaker.started([]string{id}, now)
		}
	}
}

// open gives the lanes that somebody is told of.
func (m *model) open(now int64) []string {
	var all []string
	for _, j := range m.parked() {
		lane := slotOf(j.slot).line
		if lane == rankedLane {
			continue
		}
		shut := slices.ContainsFunc(m.barred, func(b modelBarred) bool {
			return b.kind == lane && (b.till == 0 || isClosed(b.till, b.since, now) && (b.till < startFar || now < b.since+5000))
		})
		if !shut && m.startable(lane) && !slices.Contains(all, lane) {
			all = append(all, lane)
		}
	}
	return all
}

// pauseKind pauses a kind, or resumes it; "": all jobs.
func (m *model) pauseKind(kind string, on bool) {
	if kind == "" {
		kind, m.paused = "*", on
	}
	k := m.declared(kind)
	k.paused = on && kind != "*"
	if !on {
		k.till, k.since = 0, 0
	}
	m.declare()
	m.barred = nil
	if on {
		return
	}
	if kind == "*" {
		m.limit.shut = 0
	}
	if len(m.scheduled()) > 0 || m.waits() {
		m.ring()
	}
}

// pauseKind is what an operator does.
func (w *world) pauseKind(t *rapid.T) {
	kind := rapid.SampledFrom(w.lines()).Draw(t, "kind")
	on := rapid.Bool().Draw(t, "on")
	pause := pauseOf(kind)
	var err error
	if on {
		pause.By, pause.Why = "ann", "why"
		err = w.p.Pause(w.ctx, pause)
	} else {
		err = w.p.Resume(w.ctx, pause)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.model.pauseKind(kind, on)
}

// limitKind sets a limit of one kind, or takes it away.
func (w *world) limitKind(t *rapid.T) {
	if chance(t, "no limit", 3) {
		w.dropKindLimit(t)
		return
	}
	limit := w.drawLimit(t, "k")
	limit.Kind, limit.Breaker = "a", drawBreaker(t)
	if _, err := w.engine.SetLimit(w.ctx, limit, true, "", ""); err != nil {
		t.Fatal(err)
	}
	m := w.model
	m.declared("a").limit.set(limit)
	m.limitsChanged()
}

// dropKindLimit takes the limit of a kind away, if there is one.
func (w *world) dropKindLimit(t *rapid.T) {
	err := RemoveLimit(w.ctx, []*Partition{w.p}, "k")
	if errors.Is(err, drayhorse.ErrNotFound) {
		return // and none rings
	}
	if err != nil {
		t.Fatal(err)
	}
	w.model.kinds["a"].limit = modelLimit{}
	w.model.limitsChanged()
}

// limitsChanged is what every change of a limit does.
func (m *model) limitsChanged() {
	m.declare()
	m.barred, m.limit.shut = nil, 0
	if len(m.scheduled()) > 0 || m.waits() {
		m.ring()
	}
}

// drawLimit draws what a limit allows.
func (w *world) drawLimit(t *rapid.T, name string) *drayhorse.Limit {
	limit := &drayhorse.Limit{Name: name, Queue: "q", Concurrency: rapid.IntRange(0, 3).Draw(t, "running")}
	if limit.Concurrency == 0 || chance(t, "rate", 2) {
		limit.Rate = drayhorse.Rate{Jobs: 1, Per: time.Duration(rapid.SampledFrom([]int{1, 2, 3_600_000}).Draw(t, "per")) * time.Millisecond,
			Burst: rapid.IntRange(0, 3).Draw(t, "burst")}
	}
	return limit
}

// set takes over what a limit allows, and leaves what has started.
func (l *modelLimit) set(limit *drayhorse.Limit) {
	most, every, burst := limit.Terms()
	l.most, l.every, l.burst, l.breaker = int64(most), every, int64(burst), breakerOf(limit)
}

// resumeKinds is what an operator does in the end.
func (w *world) resumeKinds(t *rapid.T) {
	for _, kind := range slices.Collect(maps.Keys(w.model.kinds)) {
		kind = strings.TrimPrefix(kind, "*")
		if err := w.p.Resume(w.ctx, pauseOf(kind)); err != nil {
			t.Fatal(err)
		}
		w.model.pauseKind(kind, false)
	}
}

// compareLanes: a turn names the lanes whose jobs may start.
func (w *world) compareLanes(t *rapid.T, got []string, now int64) {
	got, want := slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(w.model.open(now)))
	if !slices.Equal(got, want) {
		t.Fatalf("lanes %q, want %q", got, want)
	}
}
