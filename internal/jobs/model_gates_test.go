package jobs

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/drayhorse/drayhorse"
)

// waitingRing begins the lanes of groups that wait: RING and WAITING of the prelude.
const waitingRing = ringLane + "?"

// modelGates is what limits the jobs of each group, and which groups wait for that.
type modelGates struct {
	noted   bool                  // that there is such a limit, or was while groups wait
	again   bool                  // those that wait are to look again
	since   int64                 // ms when one was last noted to wait for a time
	limits  map[string]modelLimit // by kind, "" for all jobs of a group
	on      map[string]int64      // by gate: us at which the next start would be on time
	waiting map[modelSeat]string  // groups that wait, each at a gate
	opens   map[string]int64      // gates at which groups wait, by ms; a small number once one is open

	rooms   map[string]int64 // in this turn
	waiters []modelWaiter    // of this turn
}

type modelWaiter struct {
	seat modelSeat
	gate string
}

func newModelGates() *modelGates {
	return &modelGates{limits: map[string]modelLimit{}, on: map[string]int64{}, waiting: map[modelSeat]string{}, opens: map[string]int64{}}
}

// opened is more than the numbers of gates that are open, and less than any time.
const opened = int64(1e12)

// at gives the gates that jobs of a group meet, of a kind if that is given.
func (g *modelGates) at(kind, group string) (all []string) {
	if group == "" {
		return nil
	}
	if _, ok := g.limits[""]; ok {
		all = append(all, "="+group)
	}
	if _, ok := g.limits[kind]; ok && kind != "" {
		all = append(all, kind+"="+group)
	}
	return all
}

// kindOf is the kind of a gate, or of all that are in a line; "": they may be of any.
func kindOf(name string) string {
	kind, _, _ := strings.Cut(strings.TrimPrefix(name, rankedLane), "=")
	return kind
}

// runsAt is how many jobs run that count at a gate.
func (m *model) runsAt(gate string) (n int) {
	for _, j := range m.jobs {
		if j.place == inRunning && slices.Contains(m.gates.at(j.kind(), j.group()), gate) {
			n++
		}
	}
	return n
}

// roomAt is how many jobs may start at a gate, and from when on if none may.
func (m *model) roomAt(gate string, now int64) (left, opens int64) {
	l := m.gates.limits[kindOf(gate)]
	l.on = m.gates.on[gate]
	return l.allowance(m.runsAt(gate), now)
}

// shutAt gives the first gate where none of a group may start, of a kind if that is given.
func (m *model) shutAt(kind, group string, now int64) string {
	for _, gate := range m.gates.at(kind, group) {
		if m.room(gate, now) == 0 {
			return gate
		}
	}
	return ""
}

// room is how many more may start at a gate in this turn.
func (m *model) room(gate string, now int64) int64 {
	if _, ok := m.gates.rooms[gate]; !ok {
		m.gates.rooms[gate], _ = m.roomAt(gate, now)
	}
	return m.gates.rooms[gate]
}

// takeRoom notes that a job will start in this turn.
func (m *model) takeRoom(j *modelJob, now int64) {
	for _, gate := range m.gates.at(j.kind(), j.group()) {
		m.gates.rooms[gate] = m.room(gate, now) - 1
	}
}

// barredInGroup gives the line into which a job goes aside since its group lets it not start.
func (m *model) barredInGroup(a *asides, j *modelJob, lined bool, lane string) (line string, bars bool) {
	kind, group := j.kind(), j.group()
	if group == "" {
		return "", false
	}
	behind := func() bool {
		return slices.ContainsFunc(append(m.lane(kind), a.of[kind]...), func(o *modelJob) bool {
			return o.group() == group && o.priority() >= j.priority()
		})
	}
	if _, limited := m.gates.limits[kind]; limited && kind != lane && (m.room(kind+"="+group, a.now) == 0 || lined && behind()) {
		return kind, true
	}
	if _, limited := m.gates.limits[""]; limited && !lined && m.room("="+group, a.now) == 0 {
		return rankedLane, true
	}
	return "", false
}

// openGates has groups take turns again that wait at gates that have opened.
func (m *model) openGates(now int64) {
	g := m.gates
	if !g.noted {
		return
	}
	if now < g.since {
		g.again = true
	}
	if g.again {
		for gate := range g.opens {
			g.opens[gate] = 0
		}
		g.again, g.since = false, min(g.since, now)
	}
	for _, gate := range slices.SortedFunc(maps.Keys(g.opens), func(a, b string) int {
		return cmp.Or(cmp.Compare(g.opens[a], g.opens[b]), strings.Compare(a, b))
	}) {
		if g.opens[gate] > now {
			break
		}
		var seats []modelSeat
		for s, at := range g.waiting {
			if at == gate {
				seats = append(seats, s)
			}
		}
		slices.SortFunc(seats, func(a, b modelSeat) int {
			return cmp.Or(cmp.Compare(lanePlaces[a.priority], lanePlaces[b.priority]), strings.Compare(a.line, b.line))
		})
		for _, s := range seats {
			delete(g.waiting, s)
			m.seat(s)
		}
		delete(g.opens, gate)
	}
	if len(g.limits)+len(g.opens) == 0 {
		g.noted, g.since = false, 0
	}
}

// startGroups notes that jobs have started.
func (m *model) startGroups(ids []string, now int64) {
	n := map[string]int{}
	for _, id := range ids {
		for _, gate := range m.gates.at(m.jobs[id].kind(), m.jobs[id].group()) {
			n[gate]++
		}
	}
	for gate, n := range n {
		l := m.gates.limits[kindOf(gate)]
		l.on = m.gates.on[gate]
		if l.started(n, now); l.every > 0 {
			m.gates.on[gate] = l.on
		}
	}
}

// noteWaiters has those wait that the turn has met at a shut gate.
func (m *model) noteWaiters(now int64) {
	g := m.gates
	var open []string
	for _, w := range g.waiters {
		delete(m.seats, w.seat)
		g.waiting[w.seat] = w.gate
		left, opens := m.roomAt(w.gate, now)
		if left > 0 { // what was claimed there has not started
			open, opens = append(open, w.gate), startFar
		} else if opens < startFar {
			g.since = max(g.since, now)
		}
		g.opens[w.gate] = opens
	}
	m.openAt(open)
	g.waiters = nil
}

// openAt has the groups look again that wait at gates.
func (m *model) openAt(gates []string) {
	for _, gate := range gates {
		if opens, ok := m.gates.opens[gate]; ok && opens >= opened {
			m.seated++
			m.gates.opens[gate] = int64(m.seated)
		}
	}
}

// leaveGroup notes that a job leaves running.
func (m *model) leaveGroup(j *modelJob) {
	for _, gate := range m.gates.at(j.kind(), j.group()) {
		if m.gates.limits[kindOf(gate)].most > 0 {
			m.openAt([]string{gate})
		}
	}
}

// rests gives whose jobs do not start when a handler of a job has said so.
func (m *model) rests(j *modelJob, kind string) string {
	for _, of := range []string{"", kind} {
		if l, ok := m.gates.limits[of]; ok && l.every > 0 && j.group() != "" {
			return of + "=" + j.group()
		}
	}
	return kind
}

// met is how many entries a claim may meet in the lanes of the line.
func (m *model) met(now int64) int {
	g := m.gates
	lined := m.lane(rankedLane)
	if !g.noted || len(g.opens) == 0 {
		return len(lined)
	}
	n := len(slices.DeleteFunc(lined, func(j *modelJob) bool { return j.group() != "" }))
	for s := range m.seats {
		if s.line == rankedLane {
			n++
		}
	}
	for _, opens := range g.opens {
		if opens <= now {
			n++
		}
	}
	if g.again || now < g.since {
		n++
	}
	return n
}

// startable says whether not all groups of a line wait.
func (m *model) startable(line string) bool {
	if len(m.gates.opens) == 0 {
		return true
	}
	for s := range m.seats {
		if s.line == line {
			return true
		}
	}
	return slices.ContainsFunc(m.lane(line), func(j *modelJob) bool { return j.group() == "" })
}

// limitGroups sets a limit of each group, of all its jobs or of those of one kind; or takes it away.
func (w *world) limitGroups(t *rapid.T) {
	if !w.groups {
		return
	}
	name := rapid.SampledFrom([]string{"p", "q"}).Draw(t, "which")
	if chance(t, "no limit", 3) {
		w.dropGroupLimit(t, name)
		return
	}
	limit := w.drawLimit(t, name)
	limit.PerGroup, limit.Kind = true, groupLimitKinds[name]
	if _, err := w.engine.SetLimit(w.ctx, limit, true, "", ""); err != nil {
		t.Fatal(err)
	}
	var l modelLimit
	l.set(limit)
	w.model.limitGroups(limit.Kind, &l)
}

// groupLimitKinds are the kinds of the limits in groups.
var groupLimitKinds = map[string]string{"p": "", "q": "a"}

// dropGroupLimit takes it away, if there is one.
func (w *world) dropGroupLimit(t *rapid.T, name string) {
	err := RemoveLimit(w.ctx, []*Partition{w.p}, name)
	if errors.Is(err, drayhorse.ErrNotFound) {
		return // and none rings
	}
	if err != nil {
		t.Fatal(err)
	}
	w.model.limitGroups(groupLimitKinds[name], nil)
}

// limitGroups is what becomes of a change.
func (m *model) limitGroups(kind string, to *modelLimit) {
	g := m.gates
	if was, is := g.limits[kind]; is && to != nil && was == *to {
		m.limitsChanged()
		return
	}
	last := to == nil && len(g.limits) == 1 // whose numbers go as a whole
	if was := g.limits[kind]; was.most > 0 && (to == nil || to.most == 0) && !last {
		for gate := range g.opens { // those that counted there count no more
			if kindOf(gate) == kind && m.runsAt(gate) > 0 {
				m.openAt([]string{gate})
			}
		}
	}
	delete(g.limits, kind)
	if to != nil {
		g.limits[kind] = *to
	}
	if len(g.limits) == 0 {
		clear(g.on)
	}
	if g.noted = len(g.limits)+len(g.opens) > 0; g.noted {
		g.again = true
	} else {
		g.again, g.since = false, 0
	}
	m.limitsChanged()
}

// terms is what meta has of it.
func (g *modelGates) terms() string {
	if !g.noted {
		return ""
	}
	text := fmt.Sprintf("%s,%d|", map[bool]string{true: "0", false: "-"}[g.again], g.since)
	for _, name := range []string{"p", "q"} {
		if l, ok := g.limits[groupLimitKinds[name]]; ok {
			text += fmt.Sprintf("%s,%d,%d,%d,%s;", name, l.most, l.every, l.burst, groupLimitKinds[name])
		}
	}
	return text
}

// waiting gives the slots of groups that wait, and seated those of the others.
func (r *raw) waiting() []string {
	return slices.DeleteFunc(slices.Clone(r.seats), func(slot string) bool { return !strings.HasPrefix(slot, waitingRing) })
}

func (r *raw) seated() []string {
	return slices.DeleteFunc(slices.Clone(r.seats), func(slot string) bool { return strings.HasPrefix(slot, waitingRing) })
}

// waiterIn reads the slot of a group that waits.
func waiterIn(slot string) (seat modelSeat, gate string) {
	s := slotOf(slot)
	gate = strings.TrimPrefix(s.line, waitingRing)
	_, group, _ := strings.Cut(gate, "=")
	return modelSeat{strings.SplitN(slot, "/", 3)[2], s.priority, group}, gate
}
