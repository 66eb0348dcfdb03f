package jobs

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/drayhorse/drayhorse"
)

// ringLane is RING of the prelude.
const ringLane = "~"

// group is that of a job.
func (j *modelJob) group() string {
	e, err := DecodeEnvelope(j.envelope)
	if err != nil {
		panic(err)
	}
	return e.Group
}

// lines are those in which jobs may be aside.
func (w *world) lines() []string {
	if !w.groups {
		return modelKinds
	}
	all := slices.Clone(modelKinds)
	for _, group := range modelGroups {
		all = append(all, "="+group, "a="+group)
	}
	return all
}

var modelGroups = []string{"g", "g1", "h", "-"}

// pauseOf is the pause of what is called so.
func pauseOf(name string) Pause {
	kind, group, _ := strings.Cut(name, "=")
	return Pause{Kind: kind, Group: group}
}

// modelSlot is what a slot says.
type modelSlot struct {
	lane, line, group string
	priority          drayhorse.Priority
}

func slotOf(slot string) modelSlot {
	lane, rest, found := strings.Cut(slot, "/")
	if !found {
		return modelSlot{}
	}
	s := modelSlot{lane: lane}
	s.line, s.group, _ = strings.Cut(lane, "#")
	place, _, _ := strings.Cut(rest, "/")
	n, _ := strconv.Atoi(place)
	s.priority = drayhorse.Priorities()[n/(2*lanePlaces[drayhorse.Urgent])]
	return s
}

// modelSeat is by what a group takes turns.
type modelSeat struct {
	line     string
	priority drayhorse.Priority
	group    string // empty: jobs of none
}

// ring names where a seat is.
func (s modelSeat) ring() string { return s.line + " " + s.priority.String() }

// seat has a group take turns, if it does not yet and waits for nothing, and says whether it does that now.
func (m *model) seat(s modelSeat) bool {
	_, seated := m.seats[s]
	_, waits := m.gates.waiting[s]
	if seated || waits {
		return false
	}
	m.seated++
	m.seats[s] = m.seated
	return true
}

// unseat ends the turns of a group. Jobs of no group take none where there are no groups.
func (m *model) unseat(s modelSeat) {
	delete(m.seats, s)
	delete(m.gates.waiting, s)
	for left := range m.seats {
		if left.group != "" {
			return
		}
	}
	if len(m.gates.waiting) == 0 {
		clear(m.seats)
	}
}

// rings gives the groups that take turns, next first, by line and priority.
func (m *model) rings() map[string][]string {
	all := map[string][]string{}
	for _, s := range slices.SortedFunc(maps.Keys(m.seats), func(a, b modelSeat) int { return m.seats[a] - m.seats[b] }) {
		all[s.ring()] = append(all[s.ring()], s.group)
	}
	return all
}

// in gives the jobs of a group that are in a lane of a line, next first.
func (m *model) in(line, group string, p drayhorse.Priority) []*modelJob {
	return slices.DeleteFunc(m.lane(line), func(j *modelJob) bool {
		s := slotOf(j.slot)
		return s.group != group || s.priority != p
	})
}

// vacate is what a job does that leaves a lane: if it was the last one of its group there, that takes
// turns no more.
func (m *model) vacate(j *modelJob) {
	s := slotOf(j.slot)
	others := slices.DeleteFunc(m.in(s.line, s.group, s.priority), func(o *modelJob) bool { return o == j })
	if s.group != "" && len(others) == 0 {
		m.unseat(modelSeat{s.line, s.priority, s.group})
	}
}

// modelLevel is the lines of one priority while a turn claims from them.
type modelLevel struct {
	priority drayhorse.Priority
	lines    []string
	begun    bool
	ring     bool            // groups take turns
	alone    bool            // there is one seat
	current  *string         // whose turn it is, once that is known
	out      map[string]bool // those of which nothing may start any more
	ungroup  bool            // jobs of no group had their turn come
	met      []string        // those whose turn has come
	now      int64
}

// first gives the next job of a group in the lines of a level that are not shut.
func (m *model) first(l *modelLevel, group string, shut map[string]bool) (modelHead, bool) {
	for _, line := range l.lines {
		if shut[line] || m.shutAt(kindOf(line), group, l.now) != "" {
			continue
		}
		if line == rankedLane && l.priority == drayhorse.Normal && group == "" {
			if len(m.ready) > 0 {
				return modelHead{m.ready[0], line, l, true}, true
			}
		} else if jobs := m.in(line, group, l.priority); len(jobs) > 0 {
			return modelHead{jobs[0].id, line, l, false}, true
		}
	}
	return modelHead{}, false
}

// nextIn gives the next job of a level.
func (m *model) nextIn(l *modelLevel, shut map[string]bool) (modelHead, bool) {
	if !l.begun {
		m.beginLevel(l, shut)
	}
	if !l.ring {
		return m.first(l, "", shut)
	}
	for {
		if l.current == nil {
			group, ok := m.turnOf(l, shut)
			if !ok {
				return modelHead{}, false
			}
			l.current = &group
			l.ungroup = l.ungroup || group == ""
			if !slices.Contains(l.met, group) {
				l.met = append(l.met, group)
			}
		}
		if head, ok := m.first(l, *l.current, shut); ok {
			return head, true
		}
		l.out[*l.current], l.current = true, nil
	}
}

// beginLevel looks whether groups take turns. Jobs of no group do beside them.
func (m *model) beginLevel(l *modelLevel, shut map[string]bool) {
	l.begun = true
	seats := func() (n int) {
		for s := range m.seats {
			if s.priority == l.priority && slices.Contains(l.lines, s.line) {
				n++
			}
		}
		return n
	}
	if l.ring = seats() > 0; !l.ring {
		return
	}
	if _, some := m.first(l, "", shut); some {
		m.seat(modelSeat{rankedLane, l.priority, ""})
	}
	l.alone = seats() == 1
}

// turnOf gives the group with the lowest number.
func (m *model) turnOf(l *modelLevel, shut map[string]bool) (group string, ok bool) {
	lowest := 0
	for s, n := range m.seats {
		if s.priority == l.priority && slices.Contains(l.lines, s.line) && !shut[s.line] && !l.out[s.group] && (!ok || n < lowest) {
			group, lowest, ok = s.group, n, true
		}
	}
	return group, ok
}

// passOn has the next group of a level take its turn.
func (m *model) passOn(l *modelLevel) {
	if !l.ring {
		return
	}
	m.seated++
	for s := range m.seats {
		if s.priority == l.priority && s.group == *l.current && slices.Contains(l.lines, s.line) && !l.alone {
			m.seats[s] = m.seated
		}
	}
	l.current = nil
}

// endLevel ends the turns of groups that have no more jobs.
func (m *model) endLevel(l *modelLevel, shut map[string]bool) {
	if !l.ring {
		return
	}
	for s := range maps.Clone(m.seats) {
		if s.group != "" && s.priority == l.priority && slices.Contains(l.lines, s.line) && len(m.in(s.line, s.group, s.priority)) == 0 {
			m.unseat(s)
		}
	}
	for _, group := range l.met {
		for _, line := range l.lines {
			s := modelSeat{line, l.priority, group}
			if gate := m.shutAt(kindOf(line), group, l.now); gate != "" && m.seats[s] > 0 {
				m.gates.waiters = append(m.gates.waiters, modelWaiter{s, gate})
			}
		}
	}
	if _, some := m.first(l, "", shut); !some && l.ungroup {
		m.unseat(modelSeat{rankedLane, l.priority, ""})
	}
}

// grouped is how many jobs of groups are in line, and groups of how many groups they are.
func (m *model) grouped() int {
	return len(slices.DeleteFunc(m.lane(rankedLane), func(j *modelJob) bool { return j.group() == "" }))
}

func (m *model) groups() (n int) {
	for s := range m.seats {
		if s.line == rankedLane && s.group != "" {
			n++
		}
	}
	return n
}

// rings gives the groups that take turns, next first, by line and priority.
func (r *raw) rings() map[string][]string {
	all := map[string][]string{}
	for _, slot := range r.seated() {
		s := seatIn(slot)
		all[s.ring()] = append(all[s.ring()], s.group)
	}
	return all
}

// seatIn reads the slot of a seat.
func seatIn(slot string) modelSeat {
	s := slotOf(slot)
	return modelSeat{strings.TrimPrefix(s.line, ringLane), s.priority, strings.SplitN(slot, "/", 3)[2]}
}

// checkRings: the groups that have jobs of a priority in a line have a seat there, and no others; those
// of none only in the line, and beside others.
func (r *raw) checkRings(complain func(string, ...any)) {
	has := map[modelSeat]bool{}
	for _, slot := range r.parked {
		if s := slotOf(slot); s.group != "" {
			has[modelSeat{s.line, s.priority, s.group}] = true
		}
	}
	groups := 0
	for _, slot := range r.waiting() {
		s, gate := waiterIn(slot)
		code := slices.Index(priorities[:], s.priority)
		if at := r.hashes[colRoute][ringLane+s.line+"/"+strconv.Itoa(code)+"/"+s.group]; at+"/"+s.line != slot {
			complain("%q waits, its route is %q", slot, at)
		}
		if _, noted := r.scores[colBlocked][gate]; !noted || !has[s] {
			complain("%q waits, noted %v, with jobs %v", slot, noted, has[s])
		}
		groups++
		delete(has, s)
	}
	for _, slot := range r.seated() {
		s := seatIn(slot)
		code := slices.Index(priorities[:], s.priority)
		if at := r.hashes[colRoute][ringLane+s.line+"/"+strconv.Itoa(code)+"/"+s.group]; at+"/"+s.group != slot {
			complain("%q is a seat, its route is %q", slot, at)
		}
		switch {
		case s.group == "" && s.line != rankedLane:
			complain("%q is the seat of no group, and not in the line", slot)
		case s.group != "" && !has[s]:
			complain("%q is the seat of a group without jobs", slot)
		case s.group != "":
			groups++
		}
		delete(has, s)
	}
	for s := range has {
		complain("%+v has jobs and no seat", s)
	}
	if groups == 0 && len(r.seats) > 0 {
		complain("jobs of no group take turns with nobody: %q", r.seats)
	}
}
