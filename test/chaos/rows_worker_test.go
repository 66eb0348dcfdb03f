package chaos

import (
	"syscall"
	"time"
)

var workerRows = []row{
	{name: "worker-killed", target: "taken over within 12 s; re-run <= in flight", run: workerKilled, smoke: true},
	{name: "rolling-deploy", target: "0 re-run of finished work, no attempt burnt", run: rollingDeploy},
	{name: "worker-frozen", target: "its finishes refused, the winner's record untouched", run: workerFrozen},
}

// takeover is within what time the jobs of a dead worker must run elsewhere.
const takeover = 12 * time.Second

// loaded starts traffic, and waits until a worker holds a good part of it.
func (r *rig) loaded(victim *process, jobs, rate int) {
	r.Helper()
	slow := 80
	if isSmoke() {
		slow = 400 // the look that finds them may come late
	}
	r.producer(jobs, rate)
	r.producer(slow, 0, only("slow"))
	r.until(patience, "the victim holds jobs", func(h history) bool {
		return len(h.held(victim.plan.Name, time.Now())) >= concurrency/2
	})
}

// workerKilled kills a worker in the midst of its jobs.
func workerKilled(r *rig) {
	r.redis()
	victim := r.worker()
	r.worker()
	r.loaded(victim, 600, 150)
	victim.kill()
	at := r.mark("%s killed", victim.plan.Name)
	v := r.settle()
	took, held, missing := r.history.takenOver(victim.plan.Name, at)
	r.result.note("%d jobs held", held)
	r.within("taken over in", took, takeover)
	r.atMost("jobs of the victim that never ran again", missing, 0)
	r.rerunOnly(v, r.history.inFlight(victim.plan.Name, at, at))
}

// rollingDeploy replaces all workers, one after the other, twice.
func rollingDeploy(r *rig) {
	r.redis()
	hasty := func(p *plan) { p.Shutdown = 200 * time.Millisecond } // so that jobs are handed back
	workers := []*process{r.worker(hasty), r.worker(hasty), r.worker(hasty)}
	r.producer(2000, 150)
	for range 2 {
		for i, old := range workers {
			r.pause(time.Duration(300+r.random.IntN(700)) * time.Millisecond)
			r.mark("%s asked to stop", old.plan.Name)
			workers[i] = r.worker(hasty)
			old.stop()
		}
	}
	v := r.settle()
	r.result.note("6 workers replaced, %d jobs handed back", len(v.Rerun))
	r.atMost("finished work that ran again", len(r.history.finishedTwice()), 0)
}

// workerFrozen stops a worker for longer than its lease lives, and lets it go on.
func workerFrozen(r *rig) {
	r.redis()
	victim := r.worker()
	r.worker()
	r.loaded(victim, 600, 100)
	victim.signal(syscall.SIGSTOP)
	at := r.mark("%s frozen", victim.plan.Name)
	r.produced()
	r.until(patience, "the victim's jobs have run elsewhere", func(h history) bool {
		_, held, missing := h.takenOver(victim.plan.Name, at)
		return held > 0 && missing == 0
	})
	r.rest(patience)
	woken := r.mark("%s goes on", victim.plan.Name)
	victim.thaw()
	r.until(patience, "the victim ends what it held", func(h history) bool {
		return len(h.held(victim.plan.Name, time.Now())) == 0
	})
	v := r.settle()
	took, held, _ := r.history.takenOver(victim.plan.Name, at)
	r.refusedLate(victim, at)
	late := r.history.where(func(e event) bool { return e.What == ended && e.Who == victim.plan.Name && e.At.After(woken) })
	r.result.note("%d jobs held, %d ended after the thaw", held, len(late))
	r.within("taken over in", took, takeover)
	r.rerunOnly(v, r.history.inFlight(victim.plan.Name, at, woken.Add(onTheWay())))
}

// refusedLate checks that a worker which came back too late was told so by Redis, and
// that the records of those who ran its jobs meanwhile stand.
func (r *rig) refusedLate(victim *process, at time.Time) {
	r.Helper()
	drops := r.history.where(func(e event) bool { return e.What == dropped && e.Who == victim.plan.Name })
	r.atLeast("leases that the victim was told it lost", len(drops), 1)
	r.atMost("records that the victim overwrote", len(r.history.usurped(victim.plan.Name, at)), 0)
}
