package jobs

import (
	"slices"
	"strconv"
	"strings"

	"github.com/drayhorse/drayhorse"
)

// rankedLane is RANKED of the prelude.
const rankedLane = "!"

// lanePlaces is PLACES of the prelude.
var lanePlaces = map[drayhorse.Priority]int{
	drayhorse.Urgent: 200_000_000_000_000, drayhorse.High: 600_000_000_000_000,
	drayhorse.Normal: 1_000_000_000_000_000, drayhorse.Low: 1_400_000_000_000_000,
}

// priority is that of a job as it is now: one that keeps the last may get another one.
func (j *modelJob) priority() drayhorse.Priority {
	e, err := DecodeEnvelope(j.envelope)
	if err != nil {
		panic(err)
	}
	return e.Priority
}

// inLine is how many entries are in line, but for suspects and those aside.
func (m *model) inLine(now int64) int { return len(m.ready) + m.met(now) }

// waits says whether a job is in some line.
func (m *model) waits() bool { return len(m.ready)+len(m.suspects)+len(m.parked()) > 0 }

// ranks is what a summary says of priorities.
func (m *model) ranks() map[drayhorse.Priority]int {
	if !m.ranked {
		return nil
	}
	n := map[drayhorse.Priority]int{drayhorse.Low: 0, drayhorse.High: 0, drayhorse.Urgent: 0}
	for _, j := range m.lane(rankedLane) {
		if p := j.priority(); p != drayhorse.Normal && j.group() == "" {
			n[p]++
		}
	}
	return n
}

// apart says whether a job that is in line is elsewhere than in ready.
func (j *modelJob) apart() bool { return j.priority() != drayhorse.Normal || j.group() != "" }

// putInLine puts a job in line among those of its priority and group, in front or at the end. It says
// whether those who claim may meet it anew, where it stands apart.
func (m *model) putInLine(j *modelJob, front bool) (met bool) {
	switch {
	case j.apart():
		return m.setAside(j, rankedLane, front)
	case front:
		j.place, m.ready = inReady, slices.Insert(m.ready, 0, j.id)
	default:
		j.place, m.ready = inReady, append(m.ready, j.id)
	}
	return false
}

// rank has a job that waits in some line go to the end of those of its priority, if it had another
// one before, and says whether it did.
func (m *model) rank(j *modelJob, before drayhorse.Priority) bool {
	m.ranked = m.ranked || j.apart()
	if j.priority() == before || j.place != inReady && j.place != inParked {
		return false
	}
	m.leave(j)
	if line := slotOf(j.slot).line; j.place == inParked && line != rankedLane {
		m.setAside(j, line, false)
		return true
	}
	m.putInLine(j, false)
	return true
}

// modelOutcome is what becomes of a job that is next somewhere, as turn.lua judges it.
type modelOutcome int

const (
	taken modelOutcome = iota
	passed
	shut
	noRoom
)

// modelHead is the next of its priority: in a line, or in ready.
type modelHead struct {
	id, line string
	level    *modelLevel
	ready    bool
}

// claimByPriority claims from lanes and the line while more are wanted. judge says what becomes of
// the one that is next.
func (m *model) claimByPriority(lanes []string, now int64, wanted func() bool, judge func(*modelJob, string) modelOutcome) {
	var levels []*modelLevel
	for _, p := range drayhorse.Priorities() {
		levels = append(levels, &modelLevel{priority: p, lines: append(slices.Clone(lanes), rankedLane), out: map[string]bool{}, now: now})
	}
	shutLines := map[string]bool{}
	defer func() {
		for _, l := range levels {
			m.endLevel(l, shutLines)
		}
	}()
	for wanted() {
		var next []modelHead
		for _, l := range levels {
			if head, ok := m.nextIn(l, shutLines); ok {
				next = append(next, head)
			}
		}
		if len(next) == 0 {
			return
		}
		pick, nth := (m.picks+1)%512, 1
		for every := 8; every <= 512 && pick%every == 0; every *= 8 {
			nth++
		}
		head := next[min(nth, len(next))-1]
		outcome := passed
		if dead := head.ready && m.dead[head.id] > 0; !dead {
			outcome = judge(m.jobs[head.id], head.line)
		}
		switch outcome {
		case noRoom:
			return
		case shut:
			shutLines[head.line] = true
			continue
		case taken:
			if len(next) > 1 { // there was a choice
				m.picks = pick
			}
		case passed:
		}
		if head.ready {
			m.buried(m.pop())
		}
		m.passOn(head.level)
	}
}

// tookBackRanked gives what ran and is in the lane of ranked jobs, in the order in which it got
// them.
func (w *world) tookBackRanked(after *raw) []string {
	var ids []string
	for _, slot := range after.parked {
		if id := strings.SplitN(slot, "/", 3)[2]; slotOf(slot).line == rankedLane && w.model.jobs[id] != nil && w.model.jobs[id].token != "" {
			ids = append(ids, id)
		}
	}
	// Each got the next number, which counts up at the end of its priority and down in front.
	number := func(id string) int {
		_, at, _ := strings.Cut(after.hashes[colRoute][id], "/")
		n, _ := strconv.Atoi(at)
		n -= lanePlaces[w.model.jobs[id].priority()]
		return max(n, -n)
	}
	slices.SortFunc(ids, func(a, b string) int { return number(a) - number(b) })
	return ids
}

// elsewhere says whether a job runs or is in a lane, so that what ready has of it is a dead entry.
func (r *raw) elsewhere(id string) bool {
	_, runs := r.hashes[colRunning][id]
	_, routed := r.hashes[colRoute][id]
	return runs || routed
}

// checkRanks: jobs of normal priority and no group are in ready, others in the lane of theirs, and in every
// lane where those of their priority are.
func (r *raw) checkRanks(complain func(string, ...any)) {
	read := func(id string) *Envelope {
		e, err := DecodeEnvelope(r.hashes[colJobs][id])
		if err != nil {
			return &Envelope{}
		}
		return e
	}
	for _, slot := range r.parked {
		e, at := read(strings.SplitN(slot, "/", 3)[2]), slotOf(slot)
		if at.priority != e.Priority || at.group != e.Group {
			complain("%q is of priority %v and group %q, and has the place of another", slot, e.Priority, e.Group)
		}
		if at.line == rankedLane && e.Priority == drayhorse.Normal && e.Group == "" {
			complain("%q is of normal priority and no group, and not in ready", slot)
		}
	}
	for _, id := range r.lists[colReady] {
		e := read(id)
		if _, routed := r.hashes[colRoute][id]; r.hashes[colStale][id] == "" && !routed && (e.Priority != drayhorse.Normal || e.Group != "") {
			complain("%q is of priority %v and group %q, and in ready", id, e.Priority, e.Group)
		}
	}
}
