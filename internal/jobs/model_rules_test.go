package jobs

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
)

// model is what a partition must hold: the rules of the engine in plain Go,
// without a thought of how Redis stores it.
type model struct {
	paused, large, bell bool

	jobs  map[string]*modelJob // live
	ended map[string]*modelJob // archived
	seen  map[string]int64     // expiry by id; 0 stands for a time that is not known yet
	ticks map[string]int64

	ready    []string // next first, dead entries included
	dead     map[string]int
	suspects []string
	slots    int // handed out to parked jobs

	leases  map[string]*modelLease
	answers map[string]modelAnswer // by lane
	totals  map[string]int
}

type modelJob struct {
	id, envelope   string
	own            bool
	retain         time.Duration
	place          place
	due            int64
	token          string // while it runs
	slot           string // while it is parked
	failed         int
	rescued        int
	errors         int
	cancel         bool
	state          drayhorse.State // once it has ended
	expiry         int64           // in the archive; 0 stands for a time that is not known yet
	claims         int             // how often it was claimed: which execution is its last
	finishedClaims int             // up to which of them an end was accepted
}

type place int

const (
	inReady place = iota
	inScheduled
	inRunning
	inSuspects
	inParked
)

type modelLease struct {
	condemned       bool
	seq             uint64
	rejects, claims []string
}

type modelAnswer struct {
	seq  uint64
	said []bool
}

const (
	modelDay   = int64(24 * time.Hour / time.Millisecond)
	modelMonth = 30 * modelDay
)

func newModel() *model {
	return &model{
		jobs: map[string]*modelJob{}, ended: map[string]*modelJob{}, seen: map[string]int64{}, ticks: map[string]int64{},
		dead: map[string]int{}, leases: map[string]*modelLease{}, answers: map[string]modelAnswer{}, totals: map[string]int{},
	}
}

func (m *model) ring() {
	if !m.paused {
		m.bell = true
	}
}

// enqueue gives the answers that are right, or errStale.
func (m *model) enqueue(lane string, seq uint64, jobs []*NewJob, now int64) ([]bool, error) {
	if last := m.answers[lane]; seq == last.seq {
		return last.said, nil
	} else if seq < last.seq {
		return nil, errStale
	}
	said := make([]bool, len(jobs))
	first, rings := m.firstDue(), false
	for i, j := range jobs {
		if said[i] = m.known(j, now); said[i] {
			continue
		}
		job := &modelJob{id: j.ID, envelope: string(j.encoded), own: j.Envelope.OwnID, retain: j.Envelope.Retain}
		m.jobs[j.ID] = job
		m.totals["enqueued"]++
		m.large = m.large || len(job.envelope) > largeEnvelope
		if j.Guarded {
			m.ticks[j.Envelope.Schedule] = j.Envelope.Tick.UnixMilli()
		}
		if j.In > 0 {
			job.place, job.due = inScheduled, now+j.In.Milliseconds()
		} else {
			m.ready, rings = append(m.ready, j.ID), true
		}
	}
	if rings || m.firstDue() != first {
		m.ring()
	}
	m.answers[lane] = modelAnswer{seq, said}
	return said, nil
}

func (m *model) known(j *NewJob, now int64) bool {
	if j.Guarded && m.ticks[j.Envelope.Schedule] >= j.Envelope.Tick.UnixMilli() {
		return true
	}
	return j.Envelope.OwnID && (m.jobs[j.ID] != nil || m.ended[j.ID] != nil || m.seen[j.ID] > now)
}

// scheduled gives the scheduled jobs, next first.
func (m *model) scheduled() []*modelJob {
	return m.sorted(inScheduled, func(a, b *modelJob) int {
		return cmp.Or(cmp.Compare(a.due, b.due), strings.Compare(a.id, b.id))
	})
}

func (m *model) parked() []*modelJob {
	return m.sorted(inParked, func(a, b *modelJob) int { return strings.Compare(a.slot, b.slot) })
}

func (m *model) sorted(where place, order func(a, b *modelJob) int) []*modelJob {
	var list []*modelJob
	for _, j := range m.jobs {
		if j.place == where {
			list = append(list, j)
		}
	}
	slices.SortFunc(list, order)
	return list
}

func (m *model) firstDue() string {
	if list := m.scheduled(); len(list) > 0 {
		return list[0].id
	}
	return ""
}

// available puts a job in line, in front or at the end.
func (m *model) available(j *modelJob, front bool) {
	line := &m.ready
	j.place = inReady
	if j.rescued >= suspectRescues {
		j.place, line = inSuspects, &m.suspects
	}
	if front {
		*line = slices.Insert(*line, 0, j.id)
	} else {
		*line = append(*line, j.id)
	}
}

// end is the end of a job that is in no index any more.
func (m *model) end(j *modelJob, state drayhorse.State, now int64) {
	keep := j.retain.Milliseconds()
	if state != drayhorse.Completed {
		keep = max(keep, modelMonth)
	}
	at := func(after int64) int64 {
		if now == 0 {
			return 0
		}
		return now + after
	}
	delete(m.jobs, j.id)
	if keep > 0 {
		j.state, j.expiry, j.cancel = state, at(keep), false
		m.ended[j.id] = j
	}
	if j.own {
		m.seen[j.id] = at(modelDay)
	}
	m.totals[string(state)]++
}

// leave takes a waiting job out of its index.
func (m *model) leave(j *modelJob) {
	switch j.place {
	case inReady:
		m.dead[j.id]++
	case inSuspects:
		m.suspects = without(m.suspects, j.id)
	case inScheduled, inParked, inRunning:
	}
}

func without(list []string, id string) []string {
	i := slices.Index(list, id)
	return slices.Delete(slices.Clone(list), i, i+1)
}

// cancel says what cancel answers; empty: NOTFOUND.
func (m *model) cancel(id string) string {
	j := m.jobs[id]
	switch {
	case j == nil:
		return ""
	case j.place == inRunning:
		j.cancel = true
		return "running"
	}
	m.leave(j)
	m.end(j, drayhorse.Cancelled, 0)
	return "cancelled"
}

func (m *model) retry(id string) error {
	live, ended := m.jobs[id], m.ended[id]
	switch {
	case live != nil && live.place == inRunning:
		return drayhorse.ErrRunning
	case live != nil && live.place == inScheduled:
		m.available(live, false)
	case ended != nil:
		ended.failed, ended.rescued, ended.place, ended.state = 0, 0, inReady, ""
		delete(m.ended, id)
		m.jobs[id] = ended
		m.ready = append(m.ready, id)
		m.totals["retried"]++
	case live == nil:
		return drayhorse.ErrNotFound
	}
	m.ring()
	return nil
}

func (m *model) remove(id string) error {
	live, ended := m.jobs[id], m.ended[id]
	switch {
	case live != nil && live.place == inRunning:
		return drayhorse.ErrRunning
	case ended != nil:
		delete(m.ended, id)
	case live != nil:
		m.leave(live)
		delete(m.jobs, id)
	default:
		return drayhorse.ErrNotFound
	}
	m.totals["deleted"]++
	return nil
}

// purge is one step of a purge; it gives how many jobs are removed.
func (m *model) purge(state drayhorse.State, limit int) int {
	var gone []string
	switch state {
	case drayhorse.Available:
		gone = m.purgeAvailable(limit)
	case drayhorse.Scheduled, drayhorse.Retryable:
		for _, j := range m.scheduled()[:min(limit, len(m.scheduled()))] {
			if (j.failed > 0) == (state == drayhorse.Retryable) {
				gone = append(gone, j.id)
			}
		}
	default:
		for _, j := range m.kept(state)[:min(limit, len(m.kept(state)))] {
			delete(m.ended, j.id)
			m.totals["deleted"]++
		}
		return 0
	}
	for _, id := range gone {
		delete(m.jobs, id)
		m.totals["deleted"]++
	}
	return len(gone)
}

func (m *model) purgeAvailable(limit int) []string {
	var gone []string
	for range min(limit, len(m.ready)) {
		if id := m.pop(); !m.buried(id) {
			gone = append(gone, id)
		}
	}
	n := min(limit, len(m.suspects))
	gone, m.suspects = append(gone, m.suspects[:n]...), m.suspects[n:]
	parked := m.parked()
	for _, j := range parked[:min(limit, len(parked))] {
		gone = append(gone, j.id)
	}
	return gone
}

func (m *model) pop() string {
	id := m.ready[0]
	m.ready = slices.Clone(m.ready[1:])
	return id
}

// buried counts down a dead entry.
func (m *model) buried(id string) bool {
	if m.dead[id] == 0 {
		return false
	}
	if m.dead[id]--; m.dead[id] == 0 {
		delete(m.dead, id)
	}
	return true
}

// kept gives the archived jobs of a state, the next to go first.
func (m *model) kept(state drayhorse.State) []*modelJob {
	var list []*modelJob
	for _, j := range m.ended {
		if j.state == state {
			list = append(list, j)
		}
	}
	slices.SortFunc(list, func(a, b *modelJob) int {
		return cmp.Or(cmp.Compare(a.expiry, b.expiry), strings.Compare(a.id, b.id))
	})
	return list
}

// sweep removes what is over at the time, and the oldest beyond the limit.
func (m *model) sweep(limit int, now int64) {
	maps.DeleteFunc(m.ended, func(_ string, j *modelJob) bool { return j.expiry <= now })
	maps.DeleteFunc(m.seen, func(_ string, expiry int64) bool { return expiry <= now })
	for _, state := range []drayhorse.State{drayhorse.Completed, drayhorse.Cancelled, drayhorse.Discarded} {
		kept := m.kept(state)
		for _, j := range kept[:max(0, len(kept)-limit)] {
			delete(m.ended, j.id)
			m.totals["trimmed"]++
		}
	}
}

func (m *model) pause(on bool) {
	m.paused = on
	if !on && len(m.ready)+len(m.scheduled())+len(m.suspects)+len(m.parked()) > 0 {
		m.bell = true
	}
}

// rescued applies what a step of a rescue took back, in the order of the line.
func (m *model) rescued(ids []string) {
	took := 0
	for _, id := range ids {
		j := m.jobs[id]
		j.token = ""
		if j.cancel {
			m.end(j, drayhorse.Cancelled, 0)
			continue
		}
		took++
		j.rescued++
		m.totals["rescued"]++
		if j.rescued > suspectRescues {
			j.errors = min(j.errors+1, 25)
			m.totals["poisoned"]++
			m.end(j, drayhorse.Discarded, 0)
			continue
		}
		m.available(j, true)
	}
	if took > 0 {
		m.ring()
	}
}

func (m *model) String() string {
	return fmt.Sprintf("%d live, ready %q, suspects %q", len(m.jobs), m.ready, m.suspects)
}
