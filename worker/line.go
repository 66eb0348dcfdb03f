package worker

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
)

// line is what the worker knows of one partition that it works on.
type line struct {
	session  *session
	part     *jobs.Partition
	weight   int
	listener *listener // that waits for the bell; nil: none does

	// Of hotLines.
	tier  *tier
	hotAt int // in the tier's hot lines; -1: it is not hot

	away atomic.Bool // the last call about it had no answer

	mu       sync.Mutex
	expected int      // jobs to claim, as far as is known; guessed low it costs one more turn
	lanes    []string // kinds served here for which jobs are set aside
	due      *time.Timer
}

func newLine(s *session, p *jobs.Partition, weight int) *line {
	l := &line{session: s, part: p, weight: weight, hotAt: -1}
	l.due = time.AfterFunc(time.Hour, l.heat)
	l.due.Stop()
	return l
}

// heat notes that there is something to claim, nobody knows how much, and wakes a
// fetcher for it.
func (l *line) heat() { l.expect(unknown) }

// expect notes that there are jobs to claim, and wakes a fetcher for them.
func (l *line) expect(n int) {
	l.mu.Lock()
	l.expected = n
	l.mu.Unlock()
	l.session.hot.add(l)
	l.session.poke()
}

// unknown is how many jobs are expected where that is not known.
const unknown = jobs.MaxClaims

// cool notes that there is nothing to claim for now.
func (l *line) cool() {
	l.session.hot.remove(l)
	l.session.calmed(l.listener)
}

func (l *line) isHot() bool { return l.session.hot.has(l) }

// claimable gives how many jobs to ask for, and the lanes to ask first.
func (l *line) claimable() (expected int, lanes []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.expected, l.lanes
}

// turned takes in the answer to a turn that wanted claims: whether to come back at
// once, and when the next job is due.
func (l *line) turned(t *jobs.Turned, wanted bool) {
	expected := l.note(t.Left, t.Lanes, t.NextDue, t.Now)
	switch {
	case expected > 0:
		l.session.hot.add(l)
	case wanted:
		l.session.hot.remove(l)
	}
	if !l.isHot() {
		l.session.calmed(l.listener)
	}
}

// observed takes in a look at the partition.
func (l *line) observed(o *jobs.Observation) {
	expected := l.note(o.Ready, o.Lanes, o.NextDue, o.Now)
	if expected == 0 && o.Suspects > 0 && !l.session.suspect.Load() {
		expected = 1
	}
	if !o.Paused && expected > 0 {
		l.expect(expected)
	}
}

// note takes in what is to be claimed: jobs in line, those set aside, and the one due
// next, at the time now. It gives how many there are as far as that tells.
func (l *line) note(ready int, lanes []string, due, now time.Time) int {
	lanes = l.session.served(lanes)
	wait := due.Sub(now)
	expected := ready
	if len(lanes) > 0 || (!due.IsZero() && wait <= 0) {
		expected = unknown
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expected, l.lanes = expected, lanes
	l.schedule(due, wait)
	return expected
}

// schedule sets the alarm for the job that is due next. Callers hold mu.
func (l *line) schedule(due time.Time, wait time.Duration) {
	if due.IsZero() {
		l.due.Stop()
		return
	}
	if wait > 0 {
		l.due.Reset(wait)
	}
}

// served keeps the kinds that this worker has a handler for.
func (s *session) served(lanes []string) []string {
	if len(lanes) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(lanes), func(kind string) bool { return !s.serves(kind) })
}
