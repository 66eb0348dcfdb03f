package chaos

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/scheduler"
)

var nodeRows = []row{
	{name: "node-frozen", target: "the other nodes: no lease lost, takeover and new processes <= 12 s, ticks <= 5 s late", run: func(r *rig) { nodeAway(r, frozenNode) }},
	{name: "node-full", target: "the same", run: func(r *rig) { nodeAway(r, fullNode) }},
	{name: "queue-newer", target: "the same for the other queues", run: func(r *rig) { nodeAway(r, newerQueue) }},
}

// nodeAway breaks what one queue stands on for a minute, while jobs run in queues of all
// three nodes of a Cluster, and looks at the others: long jobs go on, those of a worker
// that is killed meanwhile run elsewhere, new workers and producers work, and ticks come
// on time.
func nodeAway(r *rig, breaks func(r *rig, c *redistest.Cluster, node int, queue string) (mend func())) {
	const outage, long = time.Minute, 75 * time.Second
	c := redistest.StartCluster(r.T, 3, 0, redistest.WithConfig("cluster-require-full-coverage no", "cluster-node-timeout 15000"))
	r.at(c.URL)
	queues := r.queueOfEach(c)
	away := r.nodeWithout(c, r.namespace+":{@sched}:next", r.namespace+":{election@"+scheduler.ElectionName+"}:lease")
	sick := queues[away]
	well := slices.DeleteFunc(slices.Clone(queues), func(q string) bool { return q == sick })
	serving := func(of ...string) func(*plan) {
		return func(p *plan) {
			p.Concurrency, p.Queues = 200, map[string]int{}
			for _, q := range of {
				p.Queues[q] = 1
			}
		}
	}
	to := func(q string) func(*plan) { return func(p *plan) { p.Spread = []string{q} } }
	victim := r.worker(serving(well...))
	r.worker(serving(queues...))
	r.schedulers(2, outage+20*time.Second, func(p *plan) { p.Spread = queues })
	healthy := map[string]bool{} // the producers of the other queues
	for _, q := range queues {
		holds := r.producer(60, 0, only("hold"), to(q), func(p *plan) { p.Millis = int(long.Milliseconds()) })
		mixed := r.producer(1500, 25, to(q))
		healthy[holds.plan.Name], healthy[mixed.plan.Name] = q != sick, q != sick
	}
	r.until(patience, "the worker to be killed holds long jobs", func(h history) bool {
		n := 0
		for _, e := range h.held(victim.plan.Name, time.Now()) {
			if e.Kind == "hold" {
				n++
			}
		}
		return n >= 10
	})
	mend := breaks(r, c, away, sick)
	at := time.Now()
	victim.kill()
	r.mark("%s killed", victim.plan.Name)
	r.forget(victim)
	second := r.start("worker", plan{Shutdown: 5 * time.Second}, []func(*plan){serving(queues...)})
	var fresh []*process
	for _, q := range well {
		p := r.producer(500, 25, to(q))
		fresh, healthy[p.plan.Name] = append(fresh, p), true
	}
	r.pause(time.Until(at.Add(outage)))
	mend()
	back := r.mark("it is back")
	v := r.settle()

	own := func(key string) bool { return healthy[key[:strings.LastIndex(key, "-")]] }
	during := func(e event) bool { return e.At.After(at) && e.At.Before(back) }
	took, held, missing := r.history.takenOver(victim.plan.Name, at)
	r.result.note("%d jobs held", held)
	r.within("taken over in", took, takeover)
	r.atMost("jobs of the killed worker that never ran again", missing, 0)
	v.Rerun = slices.DeleteFunc(v.Rerun, func(key string) bool { return !strings.HasPrefix(key, "producer") || !own(key) })
	r.rerunOnly(v, r.history.inFlight(victim.plan.Name, at, at))
	for _, p := range append(fresh, second) {
		first := r.history.where(func(e event) bool {
			return e.Who == p.plan.Name && during(e) && (e.What == acknowledged || e.What == began)
		})
		if len(first) == 0 {
			r.missed("%s, started meanwhile, did nothing", p.plan.Name)
			continue
		}
		r.within(p.plan.Name+" at work after", first[0].At.Sub(at), takeover)
	}
	failed := r.history.where(func(e event) bool { return during(e) && e.What == unsure && own(e.Key) })
	r.atMost("calls for the other queues that failed", len(failed), 0)
	r.within("latest tick of the other queues", r.latestTick(at, back, func(i int) bool { return queues[i%len(queues)] != sick }), carryOn)
}

// latestTick gives how long after its time the latest tick of some schedules ran, of those
// that were due between two times.
func (r *rig) latestTick(from, to time.Time, of func(schedule int) bool) time.Duration {
	r.Helper()
	ran := map[string]time.Time{}
	for _, e := range r.history {
		if _, known := ran[e.Key]; e.What == began && e.Kind == "tick" && !known {
			ran[e.Key] = e.At
		}
	}
	latest, n := time.Duration(0), 0
	for _, e := range r.history.of(expected) {
		name, ms, _ := strings.Cut(e.Key, "@")
		i, err := strconv.Atoi(strings.TrimPrefix(name, "every-"))
		if err != nil {
			r.Fatal(err)
		}
		due, err := strconv.ParseInt(ms, 10, 64)
		if err != nil {
			r.Fatal(err)
		}
		if at := time.UnixMilli(due); of(i) && at.After(from) && at.Before(to.Add(-carryOn)) {
			n++
			latest = max(latest, ran[e.Key].Sub(at)) // those that never ran are lost, which the oracle sees
		}
	}
	r.result.note("%d ticks of the other queues meanwhile", n)
	r.atLeast("ticks of the other queues meanwhile", n, 100)
	return latest
}

// queueOfEach gives for each master a queue whose keys are there.
func (r *rig) queueOfEach(c *redistest.Cluster) []string {
	r.Helper()
	queues := make([]string, len(c.Nodes))
	for i, found := 0, 0; found < len(queues); i++ {
		name := "q" + strconv.Itoa(i)
		if node := r.masterOfKey(c, r.namespace+":{"+name+"}:jobs"); queues[node] == "" {
			queues[node] = name
			found++
		}
	}
	return queues
}

// nodeWithout gives a master that has none of some keys.
func (r *rig) nodeWithout(c *redistest.Cluster, keys ...string) int {
	r.Helper()
	var taken []int
	for _, key := range keys {
		taken = append(taken, r.masterOfKey(c, key))
	}
	for i := range c.Nodes {
		if !slices.Contains(taken, i) {
			return i
		}
	}
	r.Fatalf("every node has one of %v", keys)
	return 0
}

// frozenNode stops the process.
func frozenNode(r *rig, c *redistest.Cluster, node int, queue string) func() {
	c.Nodes[node].Pause()
	r.mark("the node of queue %s is frozen", queue)
	return c.Nodes[node].Resume
}

// fullNode leaves it less memory than it uses.
func fullNode(r *rig, c *redistest.Cluster, node int, queue string) func() {
	client := c.Nodes[node].Client(r.T)
	r.do(client, "config", "set", "maxmemory", "1mb")
	r.mark("the memory of the node of queue %s is full", queue)
	return func() { r.do(client, "config", "set", "maxmemory", "0") }
}

// newerQueue has a program that is not there yet change the form of what the queue holds.
func newerQueue(r *rig, c *redistest.Cluster, node int, queue string) func() {
	client, meta := c.Nodes[node].Client(r.T), r.namespace+":{"+queue+"}:meta"
	before := ""
	redistest.Eventually(r.T, patience, "queue "+queue+" is in use", func() bool {
		var err error
		before, err = client.HGet(r.Context(), meta, "format").Result()
		return err == nil
	})
	r.do(client, "hset", meta, "format", 99)
	r.mark("queue %s has a newer format", queue)
	return func() { r.do(client, "hset", meta, "format", before) }
}
