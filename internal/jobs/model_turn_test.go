package jobs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drayhorse/drayhorse"
)

// modelTurned is the answer that is right for a turn.
type modelTurned struct {
	rejects, claims []string
	discards        []string // by the claim
	executed        bool     // false: it was a repeat
}

// turn gives the answer that is right, drayhorse.ErrLeaseLost or errStale.
func (m *model) turn(t *Turn, bytes int, now int64) (modelTurned, error) {
	lease := m.leases[t.Lease.Name]
	epoch := t.args[2].(int64)
	if lease != nil && epoch != 0 && epoch != lease.epoch {
		return modelTurned{}, drayhorse.ErrLeaseLost
	}
	if lease != nil && t.seq < lease.seq {
		return modelTurned{}, errStale
	}
	if lease != nil && t.seq == lease.seq {
		return m.repeated(t, lease), nil
	}
	join := epoch == 0
	if join == (lease != nil) || (lease != nil && lease.condemned) {
		return modelTurned{}, drayhorse.ErrLeaseLost
	}
	rejects := m.finish(t, now)
	m.promote(t, now)
	var claims, discards []string
	want := t.Want
	if left, _ := m.allowance(now); int64(want) > left {
		want = int(left)
	}
	m.gates.rooms = map[string]int64{}
	if want > 0 && !m.paused {
		m.openGates(now)
	}
	for _, id := range m.claim(t, want, bytes, join, now) {
		j := m.jobs[id]
		if j.late(now) {
			m.lapse(j, now)
			discards = append(discards, id)
			continue
		}
		claims = append(claims, id)
		m.move(j, drayhorse.EventClaim, drayhorse.Running)
		j.place, j.token = inRunning, t.token()
		if j.untilStarted {
			m.free(j)
		}
	}
	m.start(claims, now)
	m.startKinds(claims, now)
	m.noteKinds(now)
	m.startGroups(claims, now)
	m.noteWaiters(now)
	if join && len(claims) > 0 {
		m.joins++
		epoch = m.joins
	}
	if epoch != 0 {
		m.leases[t.Lease.Name] = &modelLease{epoch: epoch, seq: t.seq, rejects: rejects, claims: claims}
	}
	if m.closed(now) {
		return modelTurned{rejects, claims, discards, true}, nil
	}
	if m.inLine(now) > 0 || ((t.Suspect || t.Trial) && len(m.suspects) > 0) {
		m.ring()
	}
	return modelTurned{rejects, claims, discards, true}, nil
}

func (t *Turn) token() string { return fmt.Sprintf("%s:%d", t.Lease.Name, t.seq) }

func (m *model) repeated(t *Turn, lease *modelLease) modelTurned {
	var held []string
	for _, id := range lease.claims {
		if j := m.jobs[id]; j != nil && j.token == t.token() {
			held = append(held, id)
		}
	}
	return modelTurned{lease.rejects, held, nil, false}
}

// finish applies the finishes, those that leave no trace first, and gives those
// that it refuses.
func (m *model) finish(t *Turn, now int64) []string {
	var rejects []string
	var accepted []Finish
	plain := func(f Finish) bool { return f.Outcome == Complete && !f.Keep }
	for _, first := range []bool{true, false} {
		for _, f := range t.Finishes {
			if plain(f) != first {
				continue
			}
			j := m.jobs[f.ID]
			if j == nil || j.token != fmt.Sprintf("%s:%d", t.Lease.Name, f.Seq) {
				rejects = append(rejects, f.ID)
				continue
			}
			j.token = ""
			accepted = append(accepted, f)
			m.outcome(j, f, now)
		}
	}
	m.count(t, accepted, len(rejects) > 0)
	return rejects
}

func (m *model) outcome(j *modelJob, f Finish, now int64) {
	outcome := f.Outcome
	m.leaveGroup(j)
	if j.cancel && outcome != Complete {
		if code := map[Outcome]string{Fail: "f", Snooze: "s"}[outcome]; code != "" {
			m.counts[j.kind()+"|"+code]--
		}
		outcome = Cancel
	}
	m.tellBreakers(j, outcome, now)
	if f.Error != nil && (outcome == Fail || outcome == Exhaust || outcome == Cancel) {
		j.errors = min(j.errors+1, 25)
	}
	if outcome != Release && outcome != Divert {
		j.startBy = 0
	}
	switch outcome {
	case Complete:
		m.end(j, drayhorse.EventComplete, drayhorse.Completed, now)
	case Cancel:
		m.end(j, drayhorse.EventCancel, drayhorse.Cancelled, now)
	case Exhaust:
		j.failed++
		m.end(j, drayhorse.EventExhaust, drayhorse.Discarded, now)
	case Fail:
		j.failed++
		j.clear()
		j.place, j.due = inScheduled, now+f.Delay.Milliseconds()
		m.move(j, drayhorse.EventFail, drayhorse.Retryable)
		m.totals["failed"]++
	case Snooze:
		j.clear()
		j.place, j.due = inScheduled, now+f.Delay.Milliseconds()
		m.move(j, drayhorse.EventSnooze, j.waits())
		m.totals["snoozed"]++
	case Release:
		j.blame.trial = 0
		gates := j.gates()
		_, limited := m.gates.limits[j.kind()]
		aside := limited && j.group() != "" && slices.ContainsFunc(m.lane(j.kind()), func(o *modelJob) bool { return o.group() == j.group() })
		if i := slices.IndexFunc(gates, func(name string) bool { return m.kinds[name] != nil }); i >= 0 {
			m.move(j, drayhorse.EventRelease, drayhorse.Available)
			m.setAside(j, gates[i], true)
		} else if aside {
			m.move(j, drayhorse.EventRelease, drayhorse.Available)
			m.setAside(j, j.kind(), true)
		} else {
			m.available(j, drayhorse.EventRelease, true)
		}
		m.totals["released"]++
	case Divert:
		j.blame.trial = 0
		m.move(j, drayhorse.EventDivert, drayhorse.Available)
		m.setAside(j, f.Lane, false)
		m.totals["diverted"]++
	case Limit:
		j.clear()
		m.move(j, drayhorse.EventLimit, drayhorse.Available)
		line := m.rests(j, f.Lane)
		m.setAside(j, line, true)
		m.closeKind(line, f.Delay.Milliseconds(), now)
		if m.limit.every > 0 {
			m.closeKind("*", f.Delay.Milliseconds(), now)
		}
		m.totals["limited"]++
	}
}

// setAside puts a job at the end of a line, or in front; one of a group among its jobs there. It says
// whether it is of no group, or its group takes turns now that did not before.
func (m *model) setAside(j *modelJob, line string, front bool) (met bool) {
	m.slots++
	at := lanePlaces[j.priority()] + m.slots
	if front {
		at -= 2 * m.slots
	}
	lane, met := line, true
	if group := j.group(); group != "" {
		lane += "#" + group
		met = m.seat(modelSeat{line, j.priority(), group})
	}
	j.place, j.slot = inParked, fmt.Sprintf("%s/%016d", lane, at)
	return met
}

func (m *model) promote(t *Turn, now int64) {
	most := max(t.Want, 100)
	if m.ranked && m.large {
		most = 10
	}
	for i, j := range m.scheduled() {
		if j.due > now || i == most {
			return
		}
		m.available(j, drayhorse.EventPromote, false)
	}
}

// try takes half of the suspects that are next and together.
func (m *model) try(want, room int) []string {
	size := 0
	for size < len(m.suspects) && m.jobs[m.suspects[size]].together() == m.jobs[m.suspects[0]].together() {
		size++
	}
	n := 0
	for n < min((size+1)/2, want) {
		if room -= len(m.jobs[m.suspects[n]].envelope); n > 0 && room < 0 {
			break
		}
		n++
	}
	ids := m.suspects[:n:n]
	m.suspects = slices.Clone(m.suspects[n:])
	for _, id := range ids {
		m.jobs[id].blame.trial = n
	}
	return ids
}

// claim takes suspects first, then the lanes that were asked for, then the line.
func (m *model) claim(t *Turn, want, room int, join bool, now int64) []string {
	var ids []string
	if want == 0 || m.paused || (t.Trial && !join) {
		return nil
	}
	aside := asides{now: now}
	m.measure(now)
	defer func() { m.flush(&aside) }()
	if t.Trial {
		m.suspects = slices.DeleteFunc(slices.Clone(m.suspects), func(id string) bool {
			bars := m.bars(&aside, m.jobs[id], false, "")
			if k := m.kinds[m.jobs[id].kind()]; !bars && k != nil {
				k.room--
			}
			if !bars {
				m.takeRoom(m.jobs[id], now)
			}
			return bars
		})
		return m.try(want, room)
	}
	take := func(id string) bool {
		if j := m.jobs[id]; m.large {
			if len(ids) > 0 && len(j.envelope) > room {
				return false
			}
			room -= len(j.envelope)
		}
		ids = append(ids, id)
		if k := m.kinds[m.jobs[id].kind()]; k != nil {
			k.room--
		}
		m.takeRoom(m.jobs[id], now)
		return true
	}
	maySuspect := t.Suspect
	for maySuspect && len(m.suspects) > 0 {
		id := m.suspects[0]
		m.suspects = slices.Clone(m.suspects[1:])
		if !m.bars(&aside, m.jobs[id], false, "") {
			take(id)
			maySuspect = false
		}
	}
	parked := func(j *modelJob, lane string) modelOutcome {
		suspect := j.rescued >= suspectRescues
		if suspect && !maySuspect { // it waits for a trial, and holds up nobody
			m.suspects, j.place = append(m.suspects, j.id), inSuspects
			return passed
		}
		if m.bars(&aside, j, true, lane) {
			j.place = inReady // until it is in the other lane
			return passed
		}
		if k := m.kinds[lane]; k != nil && j.kind() == lane && k.room == 0 {
			return shut
		}
		if !take(j.id) {
			return noRoom
		}
		maySuspect = maySuspect && !suspect
		j.slot = "" // it is not in the lane any more
		return taken
	}
	lined := func(j *modelJob) modelOutcome {
		outcome := taken
		suspect := j.place == inParked && m.gates.noted && j.rescued >= suspectRescues // its group had to wait
		if suspect && !maySuspect {
			m.suspects, j.place = append(m.suspects, j.id), inSuspects
			return passed
		}
		if m.bars(&aside, j, true, "") {
			outcome = passed
		} else if !take(j.id) {
			return noRoom
		} else {
			maySuspect = maySuspect && !suspect
		}
		if j.place == inParked {
			j.place, j.slot = inReady, "" // until it runs, or is in the other lane
		}
		return outcome
	}
	open := slices.DeleteFunc(slices.Clone(t.Lanes), func(lane string) bool {
		k := m.kinds[lane]
		return k.closed(now) || k != nil && k.room == 0
	})
	if m.ranked && len(m.lane(rankedLane))+len(t.Lanes) > 0 {
		m.claimByPriority(open, now, func() bool { return len(ids) < want }, func(j *modelJob, lane string) modelOutcome {
			if lane == rankedLane {
				return lined(j)
			}
			return parked(j, lane)
		})
		return ids
	}
	for _, lane := range open {
		for _, j := range m.next(lane, want-len(ids), ids) {
			if outcome := parked(j, lane); outcome == shut || outcome == noRoom {
				break
			}
		}
	}
	for len(ids) < want && len(m.ready) > 0 {
		if id := m.ready[0]; m.dead[id] == 0 && lined(m.jobs[id]) == noRoom {
			break
		}
		m.buried(m.pop())
	}
	return ids
}

// next gives the first n jobs of a lane that are not among those taken already.
func (m *model) next(lane string, n int, taken []string) []*modelJob {
	list := slices.DeleteFunc(m.parked(), func(j *modelJob) bool {
		return slices.Contains(taken, j.id) || !strings.HasPrefix(j.slot, lane+"/")
	})
	return list[:min(n, len(list))]
}
