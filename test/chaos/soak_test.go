package chaos

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

var soakRow = row{name: "soak", target: "goroutines and memory flat, oracle green", run: soak}

// TestSoak makes random faults for as long as -soak says.
func TestSoak(t *testing.T) { //nolint:paralleltest // it measures
	if *soakFlag == 0 {
		return
	}
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64N(1_000_000)
	}
	res := play(t, &soakRow, seed)
	if err := publish([]*result{res}); err != nil {
		t.Error(err)
	}
}

// storm is a soak under way: a worker and a producer that nothing befalls but through
// Redis, and others that come and go.
type storm struct {
	*rig
	server     *redistest.Server
	proxy      *redistest.Proxy
	through    func(*plan)
	workers    []*process
	schedulers []*process
	plan       plan // of the schedulers
	faults     map[string]int
}

const soakRate = 40 // jobs a second

func soak(r *rig) {
	length := *soakFlag
	server := r.redis(redistest.WithAOF())
	proxy, url := r.proxy(server)
	s := &storm{rig: r, server: server, proxy: proxy, through: through(url), faults: map[string]int{}}
	steady := r.worker(s.through)
	s.workers = []*process{r.worker(s.through), r.worker(s.through)}
	start := time.Now().Truncate(time.Second).Add(3 * time.Second)
	s.plan = plan{Schedules: 4, Start: start, End: start.Add(length)}
	r.expect(&s.plan)
	for range 2 {
		s.schedulers = append(s.schedulers, r.start("scheduler", s.plan, []func(*plan){s.through}).awaitReady())
	}
	r.producer(int(length.Seconds())*soakRate, soakRate, s.through)
	for end := time.Now().Add(length); time.Now().Before(end); {
		s.strike()
		r.pause(time.Duration(1000+r.random.IntN(6000)) * time.Millisecond)
	}
	r.mark("the storm is over: %v", s.faults)
	r.settle()
	r.result.note("%v", s.faults)
	s.flat(steady)
}

// strike makes one fault, and ends it.
func (s *storm) strike() {
	s.Helper()
	i := s.random.IntN(2)
	d := time.Duration(s.random.IntN(3000)) * time.Millisecond
	faults := []struct {
		name string
		make func()
	}{
		{"worker killed", func() { s.workers[i].kill(); s.forget(s.workers[i]); s.workers[i] = s.worker(s.through) }},
		{"worker stopped", func() { s.workers[i].stop(); s.workers[i] = s.worker(s.through) }},
		{"worker frozen", func() { s.workers[i].freeze(); s.pause(d); s.workers[i].thaw() }},
		{"worker frozen for long", func() { s.workers[i].freeze(); s.pause(11 * time.Second); s.workers[i].thaw() }},
		{"scheduler killed", func() { s.schedulers[i].kill(); s.forget(s.schedulers[i]); s.renew(i) }},
		{"scheduler stopped", func() { s.schedulers[i].stop(); s.renew(i) }},
		{"scheduler frozen", func() { s.schedulers[i].freeze(); s.pause(7 * time.Second); s.schedulers[i].thaw() }},
		{"redis killed", func() { s.server.Kill(); s.pause(d); s.server.Restart() }},
		{"redis frozen", func() { s.server.Pause(); s.pause(d); s.server.Resume() }},
		{"connections cut", func() { s.proxy.CloseAll() }},
		{"half-open", func() { s.proxy.Freeze(); s.pause(d); s.proxy.Resume() }},
		{"latency", func() { s.proxy.Delay(d / 20); s.pause(3 * time.Second); s.proxy.Delay(0) }},
		{"replies lost", func() { s.proxy.CutReplies(5, redistest.Contains(s.namespace+":{")); s.pause(d) }},
	}
	f := faults[s.random.IntN(len(faults))]
	s.faults[f.name]++
	s.mark("%s", f.name)
	f.make()
}

// renew starts a scheduler in the place of one.
func (s *storm) renew(i int) {
	s.schedulers[i] = s.start("scheduler", s.plan, []func(*plan){s.through}).awaitReady()
}

// flat compares what the steady worker used after a while with what it used at the
// end.
func (s *storm) flat(steady *process) {
	s.Helper()
	used := s.history.where(func(e event) bool { return e.What == usage && e.Who == steady.plan.Name })
	if len(used) < 9 {
		s.result.note("too short to tell whether memory is flat")
		return
	}
	third := len(used) / 3
	early, late := used[third:2*third], used[2*third:]
	goroutines, heap := [2]int{}, [2]int{}
	for i, part := range []history{early, late} {
		for _, e := range part {
			bytes, _ := strconv.Atoi(e.Said)
			goroutines[i], heap[i] = max(goroutines[i], e.Attempt), max(heap[i], bytes)
		}
	}
	s.result.note("goroutines %d then %d, heap %s then %s", goroutines[0], goroutines[1], megabytes(heap[0]), megabytes(heap[1]))
	s.atMost("goroutines of the steady worker", goroutines[1], goroutines[0]+20)
	s.atMost("heap of the steady worker in MB", heap[1]>>20, heap[0]>>20+8)
}

func megabytes(n int) string { return fmt.Sprintf("%.1f MB", float64(n)/(1<<20)) }
