package jobs

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/drayhorse/drayhorse"
)

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
	m.end(j, drayhorse.EventCancel, drayhorse.Cancelled, 0)
	return "cancelled"
}

func (m *model) retry(id string) error {
	live, ended := m.jobs[id], m.ended[id]
	switch {
	case live != nil && live.place == inRunning:
		return drayhorse.ErrRunning
	case live != nil && live.place == inScheduled:
		m.available(live, drayhorse.EventRetry, false)
	case ended != nil && ended.key != "" && m.keys[ended.key] != "":
		return drayhorse.ErrDuplicate
	case ended != nil:
		if ended.key != "" {
			m.keys[ended.key] = id
		}
		ended.failed = 0
		ended.clear()
		m.move(ended, drayhorse.EventRetry, drayhorse.Available)
		delete(m.ended, id)
		m.jobs[id] = ended
		m.putInLine(ended, false)
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
		m.gone(ended, drayhorse.EventDelete)
	case live != nil:
		m.leave(live)
		m.gone(live, drayhorse.EventDelete)
		m.remember(live, 0)
	default:
		return drayhorse.ErrNotFound
	}
	m.totals["deleted"]++
	return nil
}

// gone is the end of all that is known of a job.
func (m *model) gone(j *modelJob, event drayhorse.Event) {
	m.move(j, event, "")
	m.free(j)
	delete(m.jobs, j.id)
	delete(m.ended, j.id)
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
			gone = append(gone, j.id)
		}
	}
	for _, id := range gone {
		if live := m.jobs[id]; live != nil {
			m.remember(live, 0)
		}
		m.gone(cmp.Or(m.jobs[id], m.ended[id]), drayhorse.EventDelete)
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
		m.vacate(j)
		j.slot = "" // so that the last one of a group is known
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
		return cmp.Or(cmp.Compare(a.endedAt, b.endedAt), strings.Compare(a.id, b.id))
	})
	return list
}

// sweep removes what is over at the time, but for what has been for less than grace, and
// the oldest beyond the limits. It gives the jobs that were not started in time.
func (m *model) sweep(limit, bytes int, now, grace int64) []string {
	for _, j := range m.ended {
		if j.endedAt+j.kept() <= now-grace {
			m.gone(j, drayhorse.EventExpire)
		}
	}
	maps.DeleteFunc(m.seen, func(_ string, expiry int64) bool { return expiry <= now })
	for _, state := range []drayhorse.State{drayhorse.Completed, drayhorse.Cancelled, drayhorse.Discarded} {
		kept := m.kept(state)
		size := 0
		for _, j := range kept {
			size += j.size
		}
		for i, j := range kept {
			if i >= len(kept)-limit && size <= bytes {
				break
			}
			size -= j.size
			m.gone(j, drayhorse.EventTrim)
			m.totals["trimmed"]++
		}
	}
	if m.gates.noted {
		maps.DeleteFunc(m.gates.on, func(_ string, on int64) bool { return on <= now*1000 })
	}
	return m.expire(now, grace)
}

// expire discards what was not started in time, in the order of their times.
func (m *model) expire(now, grace int64) (ids []string) {
	late := slices.DeleteFunc(slices.Collect(maps.Values(m.jobs)), func(j *modelJob) bool { return !j.late(now - grace) })
	slices.SortFunc(late, func(a, b *modelJob) int {
		return cmp.Or(cmp.Compare(a.startBy, b.startBy), strings.Compare(a.id, b.id))
	})
	for _, j := range late {
		if len(m.ready) > 0 && m.ready[0] == j.id && m.dead[j.id] == 0 && j.place == inReady {
			m.pop()
		} else {
			m.leave(j)
		}
		m.lapse(j, now)
		ids = append(ids, j.id)
	}
	return ids
}

// rescued applies what a step of a rescue took back, in the order of the lines. whole
// says that the step was a whole pass.
func (m *model) rescued(ids []string, whole bool, now int64) {
	took, held := 0, map[string]int{}
	for _, id := range ids {
		held[leaseOf(m.jobs[id].token)]++
	}
	for _, id := range ids {
		j := m.jobs[id]
		lease := leaseOf(j.token)
		j.token, j.startBy, m.limit.shut = "", 0, 0
		m.leaveKinds()
		m.leaveGroup(j)
		m.tellBreakers(j, "", now)
		if j.cancel {
			m.end(j, drayhorse.EventCancel, drayhorse.Cancelled, 0)
			continue
		}
		took++
		m.totals["rescued"]++
		if j.accuse(lease, held[lease]-1, whole, now) {
			j.errors = min(j.errors+1, 25)
			m.totals["poisoned"]++
			m.end(j, drayhorse.EventPoison, drayhorse.Discarded, 0)
			continue
		}
		m.available(j, drayhorse.EventRescue, !j.blame.tried)
	}
	if took > 0 {
		m.ring()
	}
}

// alive clears what a worker held whose lease was condemned, and gives how many jobs
// that were.
func (m *model) alive(name string, ids []string) (int, error) {
	if lease := m.leases[name]; lease != nil && !lease.condemned {
		return 0, errAlive
	}
	cleared := 0
	for _, id := range ids {
		j := m.jobs[id]
		switch {
		case j == nil:
		case j.token != "" && leaseOf(j.token) == name:
			if !j.cancel {
				j.token, j.startBy, m.limit.shut = "", 0, 0
				m.leaveKinds()
				m.leaveGroup(j)
				m.tellBreakers(j, "", 0)
				j.clear()
				m.available(j, drayhorse.EventRescue, true)
				m.totals["rescued"]++
				cleared++
			}
		case j.blame.lease == name:
			j.clear()
			if j.place == inSuspects {
				m.suspects = without(m.suspects, id)
				m.putInLine(j, true)
			}
			cleared++
		}
	}
	if cleared > 0 {
		m.ring()
	}
	return cleared, nil
}
