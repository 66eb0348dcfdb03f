package worker

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
)

// line is what the worker knows of one partition that it works on.
type line struct {
	session  *session
	part     *jobs.Partition
	weight   int
	listener *listener // that waits for the bell; nil: none does

	mu    sync.Mutex
	hot   bool     // there seems to be something to claim
	lanes []string // kinds served here for which jobs are set aside
	due   *time.Timer
}

func newLine(s *session, p *jobs.Partition, weight int) *line {
	l := &line{session: s, part: p, weight: weight}
	l.due = time.AfterFunc(time.Hour, l.heat)
	l.due.Stop()
	return l
}

// heat notes that there is something to claim, and wakes a fetcher for it.
func (l *line) heat() {
	l.mu.Lock()
	l.hot = true
	l.mu.Unlock()
	l.session.poke()
}

// cool notes that there is nothing to claim for now.
func (l *line) cool() {
	l.mu.Lock()
	l.hot = false
	l.mu.Unlock()
	l.session.calmed(l.listener)
}

func (l *line) isHot() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hot
}

func (l *line) waitingLanes() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lanes
}

// turned takes in the answer to a turn that wanted claims: whether to come back at
// once, and when the next job is due.
func (l *line) turned(t *jobs.Turned, wanted bool) {
	lanes := l.session.served(t.Lanes)
	wait := t.NextDue.Sub(t.Now)
	dueNow := !t.NextDue.IsZero() && wait <= 0
	l.mu.Lock()
	l.lanes = lanes
	if wanted || !l.hot {
		l.hot = t.Left > 0 || len(lanes) > 0 || dueNow
	}
	hot := l.hot
	l.schedule(t.NextDue, wait)
	l.mu.Unlock()
	if !hot {
		l.session.calmed(l.listener)
	}
}

// observed takes in a look at the partition.
func (l *line) observed(o *jobs.Observation) {
	lanes := l.session.served(o.Lanes)
	wait := o.NextDue.Sub(o.Now)
	dueNow := !o.NextDue.IsZero() && wait <= 0
	suspect := o.Suspects > 0 && !l.session.suspect.Load()
	l.mu.Lock()
	l.lanes = lanes
	l.schedule(o.NextDue, wait)
	l.mu.Unlock()
	if !o.Paused && (o.Ready > 0 || suspect || dueNow || len(lanes) > 0) {
		l.heat()
	}
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

// choose picks the line to claim from: by strict order the heaviest hot one, else
// one of the hot ones at random, by weight; but none that is to be passed over. nil:
// none is left.
func (s *session) choose(pass func(*line) bool) *line {
	total := 0
	for _, l := range s.lines {
		if l.isHot() && !pass(l) {
			if s.cfg.StrictOrder {
				return l
			}
			total += l.weight
		}
	}
	if total == 0 {
		return nil
	}
	at := rand.IntN(total) //nolint:gosec // not a secret
	var last *line
	for _, l := range s.lines {
		if !l.isHot() || pass(l) {
			continue
		}
		if at -= l.weight; at < 0 {
			return l
		}
		last = l
	}
	return last // one cooled down meanwhile
}

// cold gives lines to look at beside a turn, other than the one that claims: the
// next few, in turn.
func (s *session) cold(claiming *line, from *int) []*line {
	const most = 8
	var cold []*line
	for range s.lines {
		*from = (*from + 1) % len(s.lines)
		if l := s.lines[*from]; l != claiming && !l.isHot() {
			if cold = append(cold, l); len(cold) == most {
				break
			}
		}
	}
	return cold
}
