package jobs

import (
	"slices"
	"strconv"
	"strings"

	"github.com/drayhorse/drayhorse"
)

// rankedLane is RANKED of prelude.lua.
const rankedLane = "!"

// lanePlaces is PLACES of prelude.lua.
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
func (m *model) inLine() int { return len(m.ready) + len(m.lane(rankedLane)) }

// waits says whether a job is in some line.
func (m *model) waits() bool { return len(m.ready)+len(m.suspects)+len(m.parked()) > 0 }

// ranks is what a summary says of priorities.
func (m *model) ranks() map[drayhorse.Priority]int {
	if !m.ranked {
		return nil
	}
	n := map[drayhorse.Priority]int{drayhorse.Low: 0, drayhorse.High: 0, drayhorse.Urgent: 0}
	for _, j := range m.lane(rankedLane) {
		n[j.priority()]++
	}
	return n
}

// putInLine puts a job in line among those of its priority, in front or at the end.
func (m *model) putInLine(j *modelJob, front bool) {
	switch {
	case j.priority() != drayhorse.Normal:
		m.setAside(j, rankedLane, front)
	case front:
		j.place, m.ready = inReady, slices.Insert(m.ready, 0, j.id)
	default:
		j.place, m.ready = inReady, append(m.ready, j.id)
	}
}

// rank has a job that waits in some line go to the end of those of its priority, if it had another
// one before, and says whether it did.
func (m *model) rank(j *modelJob, before drayhorse.Priority) bool {
	m.ranked = m.ranked || j.priority() != drayhorse.Normal
	if j.priority() == before || j.place != inReady && j.place != inParked {
		return false
	}
	if lane, _, _ := strings.Cut(j.slot, "/"); j.place == inParked && lane != rankedLane {
		m.setAside(j, lane, false)
		return true
	}
	m.leave(j)
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

// modelHead is the next of its priority: in a lane, or in ready.
type modelHead struct {
	id, lane string
	ready    bool
}

// heads gives them, of the priorities that have some, the highest first.
func (m *model) heads(lanes []string) []modelHead {
	var next []modelHead
	for _, p := range drayhorse.Priorities() {
		for _, lane := range append(slices.Clone(lanes), rankedLane) {
			if lane == rankedLane && p == drayhorse.Normal {
				if len(m.ready) > 0 {
					next = append(next, modelHead{m.ready[0], lane, true})
				}
				break
			}
			if i := slices.IndexFunc(m.lane(lane), func(j *modelJob) bool { return j.priority() == p }); i >= 0 {
				next = append(next, modelHead{m.lane(lane)[i].id, lane, false})
				break
			}
		}
	}
	return next
}

// claimByPriority claims from lanes and the line while more are wanted. judge says what becomes of
// the one that is next.
func (m *model) claimByPriority(lanes []string, wanted func() bool, judge func(*modelJob, string) modelOutcome) {
	for wanted() {
		next := m.heads(lanes)
		if len(next) == 0 {
			return
		}
		pick, nth := (m.picks+1)%512, 1
		for every := 8; every <= 512 && pick%every == 0; every *= 8 {
			nth++
		}
		head := next[min(nth, len(next))-1]
		if head.ready && m.dead[head.id] > 0 {
			m.buried(m.pop())
			continue
		}
		switch outcome := judge(m.jobs[head.id], head.lane); outcome {
		case noRoom:
			return
		case shut:
			lanes = without(lanes, head.lane)
			continue
		case taken:
			if len(next) > 1 { // there was a choice
				m.picks = pick
			}
		case passed:
		}
		if head.ready {
			m.pop()
		}
	}
}

// tookBackRanked gives what ran and is in the lane of ranked jobs, in the order in which it got
// them.
func (w *world) tookBackRanked(after *raw) []string {
	var ids []string
	for _, slot := range after.parked {
		if id := strings.SplitN(slot, "/", 3)[2]; strings.HasPrefix(slot, rankedLane+"/") && w.model.jobs[id] != nil && w.model.jobs[id].token != "" {
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

// checkRanks: jobs of normal priority are in ready, others in the lane of theirs, and in every lane
// where those of their priority are.
func (r *raw) checkRanks(complain func(string, ...any)) {
	priority := func(id string) drayhorse.Priority {
		e, err := DecodeEnvelope(r.hashes[colJobs][id])
		if err != nil {
			return drayhorse.Normal
		}
		return e.Priority
	}
	for _, slot := range r.parked {
		parts := strings.SplitN(slot, "/", 3)
		at, _ := strconv.Atoi(parts[1])
		p := priority(parts[2])
		if at <= lanePlaces[p]-lanePlaces[drayhorse.Urgent] || at >= lanePlaces[p]+lanePlaces[drayhorse.Urgent] {
			complain("%q is of priority %v and has the place of another", slot, p)
		}
		if parts[0] == rankedLane && p == drayhorse.Normal {
			complain("%q is of normal priority, and not in ready", slot)
		}
	}
	for _, id := range r.lists[colReady] {
		if _, routed := r.hashes[colRoute][id]; r.hashes[colStale][id] == "" && !routed && priority(id) != drayhorse.Normal {
			complain("%q is of priority %v, and in ready", id, priority(id))
		}
	}
}
