package chaos

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

var jobRows = []row{
	{name: "poison", target: "discarded with the reason, after at most 12 deaths; neighbours finish", run: poison, poisons: true},
	{name: "malformed", target: "quarantined and counted; everything else flows", run: malformed},
	{name: "malformed-token", target: "the others' jobs are rescued all the same", run: malformedToken},
	{name: "malformed-counts", target: "quarantined; everything else flows", run: malformedCounts},
	{name: "arguments", target: "refused with a clear error; memory bounded", alone: true, run: arguments},
}

// poisons are the kinds that end the process that runs them, or make it end.
var poisons = []string{"exit", "suicide", "hog", "loop"}

// mostDeaths is how many workers a job may take along. Alone it is given up after three; among others, and these are
// four at once, trials have to tell it apart first. See docs/adr/0034-blame.md.
const mostDeaths = 12

// poison has jobs kill worker after worker, which are started again each time.
func poison(r *rig) {
	r.redis()
	crew := &crew{rig: r}
	crew.start()
	crew.start()
	r.producer(300, 20)
	for _, k := range append(poisons, "panic") {
		r.producer(1, 0, only(k))
	}
	deadline := time.Now().Add(4 * patience)
	for !crew.over() && time.Now().Before(deadline) {
		crew.replace()
		r.pause(50 * time.Millisecond)
	}
	crew.retire()
	v := r.settle()
	r.result.note("%d workers died", crew.deaths)
	r.atMost("jobs given up", len(v.Poisoned), len(poisons))
	ends := map[string]string{}
	for _, e := range r.history.of(closed) {
		ends[e.Kind] = e.Said
	}
	for _, k := range poisons {
		if ends[k] != string(drayhorse.Discarded)+" "+poisonedMark {
			r.missed("the job of kind %s ended as %q", k, ends[k])
		}
		runs := r.history.where(func(e event) bool { return e.What == began && e.Kind == k })
		r.atMost("runs of kind "+k, len(runs), mostDeaths)
	}
}

// crew is workers that somebody looks after.
type crew struct {
	rig    *rig
	alive  []*process
	deaths int
}

// start starts a worker that may have 3 GiB.
func (c *crew) start() {
	c.rig.Helper()
	w := c.rig.start("worker", plan{Concurrency: concurrency, Shutdown: -1, Limit: 3 << 20}, nil)
	c.alive = append(c.alive, w.awaitReadyOrDead())
}

// replace starts a worker for each that has died, and kills those that a job has
// kept busy without end.
func (c *crew) replace() {
	c.rig.Helper()
	h, err := readHistory(c.rig.dir)
	if err != nil {
		return // somebody writes
	}
	for i, w := range c.alive {
		if !w.hasExited() {
			for _, e := range h.held(w.plan.Name, time.Now()) {
				if e.Kind == "loop" && time.Since(e.At) > 3*time.Second {
					w.kill()
				}
			}
		}
		if w.hasExited() {
			c.deaths++
			c.alive = append(c.alive[:i], c.alive[i+1:]...)
			c.start()
			return
		}
	}
}

// over reports whether all has ended.
func (c *crew) over() bool {
	c.rig.Helper()
	q, err := c.rig.admin.Queue(c.rig.Context(), drayhorse.DefaultQueue)
	if err != nil || q.Totals["enqueued"] == 0 {
		return false
	}
	for _, p := range c.rig.children {
		if p.plan.Role == "producer" && !p.hasExited() {
			return false
		}
	}
	return q.Available+q.Running+q.Scheduled+q.Retryable == 0
}

// retire forgets the dead, so that only the living are asked to stop.
func (c *crew) retire() {
	for _, p := range slices.Clone(c.rig.children) {
		if p.hasExited() && p.plan.Role == "worker" {
			c.rig.forget(p)
		}
	}
}

// vandal writes into Redis what no program of ours would.
type vandal struct {
	rig    *rig
	client *goredis.Client
}

// key names a column of the queue default.
func (v *vandal) key(column string) string { return v.rig.namespace + ":{default}:" + column }

func (v *vandal) do(args ...any) {
	v.rig.Helper()
	v.rig.do(v.client, args...)
}

// live makes a job with an envelope, and nothing else.
func (v *vandal) live(id, envelope string) { v.do("hset", v.key("jobs"), id, envelope) }

// vandalized starts two workers under traffic.
func vandalized(r *rig) (*vandal, *process) {
	server := r.redis()
	queues := func(p *plan) { p.Queues = map[string]int{"default": 1, "broken": 1} }
	victim := r.worker(queues)
	r.worker(queues)
	r.producer(1000, 60)
	r.producer(80, 0, only("slow"))
	r.until(patience, "jobs flow", func(h history) bool { return len(h.of(ended)) > 20 })
	return &vandal{r, server.Client(r.T)}, victim
}

// outlived kills a worker, and looks whether its jobs are rescued all the same.
func outlived(r *rig, victim *process) {
	r.Helper()
	victim.kill()
	at := r.mark("%s killed", victim.plan.Name)
	r.settle()
	took, held, missing := r.history.takenOver(victim.plan.Name, at)
	r.result.note("%d jobs held", held)
	r.within("taken over in", took, takeover)
	r.atMost("jobs of the victim that never ran again", missing, 0)
}

// malformed has jobs that nobody can read, and a key of the wrong type.
func malformed(r *rig) {
	v, victim := vandalized(r)
	strange := map[string]string{
		"no-header": "x", "wrong-version": strings.Repeat("\xff", 40),
		"cut-short": "\x01\x00" + strings.Repeat("\x00", 12) + "\x7fkind",
	}
	for id, envelope := range strange {
		v.live(id, envelope)
		v.do("lpush", v.key("ready"), id)
	}
	strange["no-envelope"] = ""
	v.do("zadd", v.key("scheduled"), 1, "no-envelope")
	v.live("no-lease", "x")
	v.do("hset", v.key("running"), "no-lease", "somebody:1")
	v.do("set", r.namespace+":{broken}:ready", "a string")
	r.mark("five jobs that nobody can read, and a key of the wrong type")
	for id := range strange {
		redistest.Eventually(r.T, patience, id+" is quarantined", func() bool { return r.quarantined(id) })
	}
	v.do("del", r.namespace+":{broken}:ready")
	outlived(r, victim)
	if !r.quarantined("no-lease") {
		r.missed("the job that ran under no lease is not quarantined")
	}
}

// quarantined reports whether a job was given up because it cannot be read.
func (r *rig) quarantined(id string) bool {
	info, err := r.admin.Get(r.Context(), drayhorse.DefaultQueue, id)
	return err == nil && info.State == drayhorse.Discarded && slices.ContainsFunc(info.Errors, func(e drayhorse.AttemptError) bool {
		return strings.Contains(e.Message, "quarantined")
	})
}

// malformedToken has a job that runs under a claim that nobody can read.
func malformedToken(r *rig) {
	v, victim := vandalized(r)
	v.live("strange-token", "x")
	v.do("hset", v.key("running"), "strange-token", "nobody")
	r.mark("a claim that cannot be read")
	outlived(r, victim)
}

// malformedCounts has a job of which it cannot be read how often it failed.
func malformedCounts(r *rig) {
	v, victim := vandalized(r)
	v.live("strange-counts", "x")
	v.do("hset", v.key("counts"), "strange-counts", "many")
	v.do("lpush", v.key("ready"), "strange-counts")
	at := r.mark("counts that cannot be read")
	r.until(patience, "jobs flow", func(h history) bool { return h.next(began, at.Add(8*time.Second)) > 0 })
	outlived(r, victim)
	r.within("longest time without a run", r.history.gap(began, at, at.Add(8*time.Second)), 2*time.Second)
}

// arguments are tried that are too large or too deep.
func arguments(r *rig) {
	r.redis()
	r.worker()
	r.producer(100, 0, only("bulky"))
	p, err := producer.New(producer.Config{RedisURL: r.url, Namespace: r.namespace})
	if err != nil {
		r.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	for _, c := range []struct {
		what string
		args json.RawMessage
		want error
	}{
		{"1 MiB and a byte", text(1<<20+1, "refused"), drayhorse.ErrArgsTooLarge},
		{"512 MiB", text(512<<20, "refused"), drayhorse.ErrArgsTooLarge},
		{"a million arrays in each other", json.RawMessage(strings.Repeat("[", 500_000) + strings.Repeat("]", 500_000)), drayhorse.ErrInvalid},
		{"no JSON", json.RawMessage("{"), drayhorse.ErrInvalid},
	} {
		before := allocated()
		_, err := p.EnqueueRaw(r.Context(), "fast", c.args)
		took := allocated() - before
		if !errors.Is(err, c.want) {
			r.missed("%s: %v, want %v", c.what, err, c.want)
		}
		r.result.note("%s: %d MiB allocated", c.what, took>>20)
		r.atMost(c.what+": MiB allocated", int(took>>20), 16)
	}
	for i := range 20 {
		key := fmt.Sprintf("large-%02d", i)
		r.enqueueRaw("fast", key, text(1<<20-64, key)) // just below 1 MiB
	}
	v := r.settle()
	if v.Acknowledged != 120 {
		r.missed("%d jobs were acknowledged, want 120", v.Acknowledged)
	}
}

// text gives arguments of n bytes.
func text(n int, key string) json.RawMessage {
	frame := fmt.Sprintf(`{"key":%q,"pad":""}`, key)
	return json.RawMessage(frame[:len(frame)-2] + strings.Repeat("x", n-len(frame)) + `"}`)
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
