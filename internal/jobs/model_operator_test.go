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
			gone = append(gone, j.id)
		}
	}
	for _, id := range gone {
		delete(m.jobs, id)
		delete(m.ended, id)
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
