package chaos

import (
	"slices"
	"syscall"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

var gateRows = []row{
	{name: "limits", target: "never above, 10 min with -limits 10m; slots back within 12 s", alone: true, run: limitsHold},
	{name: "service-down", target: "attempts burnt <= half of a window + slots + probes; back within a cool-down", alone: true, run: serviceDown},
}

// set declares a limit.
func (r *rig) set(l drayhorse.Limit) {
	r.Helper()
	if err := r.admin.SetLimit(r.Context(), l, "chaos"); err != nil {
		r.Fatal(err)
	}
}

// settleWithout takes limits away once all jobs have ended, and has the oracle judge: nothing of
// them stays.
func (r *rig) settleWithout(limits ...string) {
	r.Helper()
	r.produced()
	r.rest(3 * patience)
	for _, name := range limits {
		if err := r.admin.RemoveLimit(r.Context(), name, "chaos"); err != nil {
			r.Fatal(err)
		}
	}
	r.settle()
}

// limitsHold has four workers of limited jobs killed, frozen, replaced and cut off, and the
// service that they call count.
func limitsHold(r *rig) {
	const five, rate, burst, slots = 5, 20, 5, 8
	proxy, url := r.proxy(r.redis())
	service := r.stub()
	for queue, partitions := range map[string]int{"one": 3, "five": 1, "rated": 1} {
		if _, err := r.admin.CreateQueue(r.Context(), queue, partitions); err != nil {
			r.Fatal(err)
		}
	}
	r.set(drayhorse.Limit{Name: "one", Queue: "one", Concurrency: 1})
	r.set(drayhorse.Limit{Name: "five", Queue: "five", Concurrency: five})
	r.set(drayhorse.Limit{Name: "rated", Queue: "rated", Concurrency: slots, Rate: drayhorse.Rate{Jobs: rate, Per: time.Second, Burst: burst}})
	spread := func(p *plan) { p.URL, p.Queues = url, map[string]int{"one": 1, "five": 1, "rated": 1} }
	var workers []*process
	for range 4 {
		workers = append(workers, r.worker(spread))
	}
	seconds := int(limitsFlag.Seconds())
	for queue, n := range map[string]int{"one": 4 * seconds, "five": 85 * seconds, "rated": 15 * seconds} {
		r.producer(n, 0, only("calling-"+queue), func(p *plan) { p.Spread = []string{queue} })
	}
	r.until(patience, "jobs run", func(history) bool { return service.seen("five").most > 0 })
	faults, kills, holds := map[string]int{}, []time.Time{}, []time.Time{} // what holds slots meanwhile
	for end := time.Now().Add(*limitsFlag); time.Now().Before(end); {
		i := r.random.IntN(len(workers))
		d := time.Duration(500+r.random.IntN(4000)) * time.Millisecond // a lease lives for longer
		switch r.random.IntN(5) {
		case 0:
			faults["killed"]++
			kills = append(kills, r.mark("%s killed", workers[i].plan.Name))
			workers[i].kill()
			r.forget(workers[i])
			workers[i] = r.worker(spread)
		case 1:
			faults["frozen"]++
			r.mark("%s frozen for %v", workers[i].plan.Name, d)
			workers[i].signal(syscall.SIGSTOP)
			r.pause(d)
			workers[i].thaw()
			holds = append(holds, time.Now())
		case 2:
			faults["stopped"]++
			r.mark("%s asked to stop", workers[i].plan.Name)
			workers[i].stop()
			r.forget(workers[i])
			workers[i] = r.worker(spread)
		case 3:
			faults["replies lost"]++
			r.mark("replies are lost")
			proxy.CutReplies(5, redistest.Contains(r.namespace+":{"))
		case 4:
			faults["connections cut"]++
			r.mark("connections are cut")
			proxy.CloseAll()
		}
		r.pause(time.Duration(500+r.random.IntN(2500)) * time.Millisecond)
	}
	over := r.mark("the faults are over: %v", faults)
	r.settleWithout("one", "five", "rated")
	for name, most := range map[string]int{"one": 1, "five": five, "rated": slots} {
		seen := service.seen(name)
		r.result.note("%s: at most %d of %d at once, %d calls", name, seen.most, most, len(seen.begun))
		r.atMost("calls of "+name+" at once", seen.most, most)
		if name != "rated" { // by its rate there are seldom as many
			r.atLeast("calls of "+name+" at once", seen.most, most)
		}
	}
	// What was claimed in time may call late, when its worker goes on: as many as run at once.
	rated := service.seen("rated")
	for _, window := range []time.Duration{time.Second, 10 * time.Second, time.Minute} {
		allowed := rate*int(window.Seconds()) + burst + slots
		n := rated.busiest(window)
		r.result.note("rated: at most %d calls in %v, of %d", n, window, allowed)
		r.atMost("calls of rated in "+window.String(), n, allowed)
	}
	fives, slowest := service.seen("five"), time.Duration(0)
	last := fives.begun[len(fives.begun)-1].Add(-takeover) // until then there was a backlog
	holds = append(holds, kills...)
	for _, at := range kills {
		if at.After(last) || at.After(over) {
			continue
		}
		took := fives.fullAfter(at)
		if took < 0 {
			r.missed("never as many at once after a kill at %v", at)
		}
		another := func(held time.Time) bool { return held.After(at) && held.Before(at.Add(took)) }
		if !slices.ContainsFunc(holds, another) { // or that one holds them
			slowest = max(slowest, took)
		}
	}
	r.within("all slots back after a kill in", slowest, takeover)
}

// serviceDown has the service that jobs of four workers call fail for a while.
func serviceDown(r *rig) {
	const rate, window, probes, coolDown, down = 100, 2 * time.Second, 3, 2 * time.Second, 20 * time.Second
	threshold := rate * int(window.Seconds()) / 2 // half of the calls of a window
	r.redis()
	service := r.stub()
	r.set(drayhorse.Limit{Name: "service", Queue: drayhorse.DefaultQueue, Kind: "calling-service", Breaker: drayhorse.Breaker{
		Rate: 0.5, Min: 10, Window: window, CoolDown: coolDown, Probes: probes,
	}})
	for range 4 {
		r.worker()
	}
	seconds := int(down.Seconds()) + 20
	r.producer(rate*seconds, rate, only("calling-service"))
	r.until(patience, "jobs run", func(history) bool { return len(service.seen("service").begun) > 500 })
	atOnce := service.seen("service").most
	before := len(service.seen("service").begun)
	service.turn(true)
	at := r.mark("the service is down")
	r.pause(down)
	service.turn(false)
	back := r.mark("the service is up")
	r.until(patience, "the backlog runs", func(history) bool { return len(service.seen("service").begun) > before+1000 })
	r.settleWithout("service")
	seen := service.seen("service")
	rounds := int(down/coolDown) + 1 // in which probes were let through
	r.result.note("%d attempts failed while the service was down for %v; %d ran at once before", seen.refused, back.Sub(at).Round(time.Second), atOnce)
	r.atMost("attempts that were burnt", seen.refused, threshold+4*concurrency+probes*rounds)
	r.atLeast("attempts that were burnt", seen.refused, threshold/2)
	flows := time.Duration(-1)
	for i, t := range seen.begun { // a probe alone is no recovery
		if t.After(back) && i+50 < len(seen.begun) && seen.begun[i+50].Sub(t) < time.Second {
			flows = t.Sub(back)
			break
		}
	}
	r.within("jobs flow again after", flows, coolDown+2*time.Second)
}
