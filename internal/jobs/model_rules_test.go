package jobs

import (
	"cmp"
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
	joins   int64
	answers map[string]modelAnswer // by lane
	totals  map[string]int
}

type modelJob struct {
	id, envelope string
	own          bool
	retain       time.Duration
	place        place
	due          int64
	token        string // while it runs
	slot         string // while it is parked
	failed       int
	rescued      int
	errors       int
	cancel       bool
	state        drayhorse.State // once it has ended
	expiry       int64           // in the archive; 0 stands for a time that is not known yet
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
	epoch           int64
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
	first, rings, empty := m.firstDue(), false, len(m.ready) == 0
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
			m.ready, rings = append(m.ready, j.ID), empty
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
