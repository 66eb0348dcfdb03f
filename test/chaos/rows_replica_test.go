package chaos

import (
	"slices"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

var replicaRows = []row{
	{name: "sentinel-killed", target: "0 lost with WAIT", run: func(r *rig) { failover(r, true, killPrimary) }},
	{name: "sentinel-killed-async", target: "without WAIT: the loss is measured", run: func(r *rig) { failover(r, false, killPrimary) }},
	{name: "sentinel-frozen", target: "0 lost with WAIT", run: func(r *rig) { failover(r, true, freezePrimary) }},
	{name: "sentinel-frozen-async", target: "without WAIT: the loss is measured", run: func(r *rig) { failover(r, false, freezePrimary) }},
}

// failover has a Sentinel group lose its primary while jobs flow.
func failover(r *rig, wait bool, lose func(*rig, *redistest.Sentinel)) {
	traffic := r.replicas(wait)
	group := redistest.StartSentinel(r.T)
	r.at(group.URL)
	r.worker()
	r.worker()
	r.schedulers(2, 20*time.Second)
	r.producer(4000, 250, traffic, func(p *plan) { p.Callers = 50 })
	r.pause(time.Duration(3000+r.random.IntN(1000)) * time.Millisecond)
	at := time.Now()
	lose(r, group)
	r.settle()
	r.result.note("longest time without an acknowledgement %.1f s", r.history.gap(acknowledged, at, at.Add(10*time.Second)).Seconds())
	r.loss()
}

// replicas has the producers of the row wait for a replica, or not; then what Redis
// loses is measured.
func (r *rig) replicas(wait bool) func(*plan) {
	r.lossy = !wait
	return func(p *plan) {
		if wait {
			p.Durable = 1
		}
	}
}

// loss notes what asynchronous replication lost.
func (r *rig) loss() {
	v := r.result.verdict
	gone := 0
	for _, e := range lastStates(r.history) {
		if e.What == acknowledged || e.What == known {
			gone++
		}
	}
	r.result.note("%d of %d acknowledged jobs vanished, %d calls failed", gone, v.Acknowledged, len(r.history.of(unsure)))
	wrong := slices.DeleteFunc(slices.Clone(v.Faults), func(f string) bool { return strings.HasSuffix(f, vanished) })
	for name, of := range map[string][]string{"duplicated": v.Duplicated, "unexpected": v.Unexpected, "faults": wrong} {
		if len(of) > 0 {
			r.missed("%d %s: %.300q", len(of), name, of)
		}
	}
}

// oldestLost gives for how long before a time the oldest of the jobs was acknowledged
// that Redis does not have any more.
func (r *rig) oldestLost(at time.Time) time.Duration {
	oldest := time.Duration(0)
	for _, e := range lastStates(r.history) {
		if e.What == acknowledged || e.What == known {
			oldest = max(oldest, at.Sub(e.At))
		}
	}
	return oldest
}

// lastStates gives the last that is known of each job: of one that Redis lost, that
// it was acknowledged.
func lastStates(h history) map[string]event {
	last := map[string]event{}
	for _, e := range h {
		switch e.What {
		case acknowledged, known:
			if _, ok := last[e.Key]; !ok {
				last[e.Key] = e
			}
		case closed, open:
			last[e.Key] = e
		}
	}
	return last
}

func killPrimary(r *rig, group *redistest.Sentinel) {
	group.KillPrimary(r.T)
	r.mark("primary killed")
}

// freezePrimary freezes the primary until another one was elected, and then for a
// while.
func freezePrimary(r *rig, group *redistest.Sentinel) {
	group.Hasten(r.T)
	old := group.Primary(r.T)
	old.Pause()
	r.mark("primary frozen")
	redistest.Eventually(r.T, patience, "a new primary", func() bool { return group.Primary(r.T) != old })
	r.mark("another primary is elected")
	r.pause(2 * time.Second)
	old.Resume()
	r.mark("the old primary goes on")
}
