package jobs

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"pgregory.net/rapid"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// The randomized test runs workers, producers, rescuers and operators against one
// partition, with lost requests, lost replies, late copies of calls, frozen
// workers and rescues left off midway. After every step all that Redis holds is
// compared with the model, and checked against the invariants on its own.
//
// -rapid.checks and -rapid.steps make it longer; a failure prints the seed for
// -rapid.seed.

func init() {
	// How many runs, and of how many steps on average, unless flags say otherwise.
	for name, value := range map[string]string{"rapid.checks": "30", "rapid.steps": "100"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
}

// world is one run of the randomized test.
type world struct {
	ctx    context.Context
	engine *Engine
	p      *Partition
	clock  modelClock

	model   *model
	history *history
	raw     *raw // as it was after the last step

	workers   []*modelWorker
	producers []*modelProducer
	passes    []*modelPass
	crashy    bool // workers die one after the other
	ranks     bool // some jobs have another priority than normal
	groups    bool // some are of groups
	lost      []lostLease
	late      []func(*rapid.T) // copies of calls that are still on their way
	names     int              // used for jobs and leases
	jumped    time.Duration    // forward, in all
}

// modelClock is the clock of Redis as the test knows it.
type modelClock struct {
	bounds func() (earliest, latest int64) // ms
	jump   func(time.Duration)             // nil: it cannot be set
}

func TestModel(t *testing.T) {
	t.Parallel()
	newWorld := redisWorlds(t, redistest.Start(t, redistest.WithUnixSocket()))
	rapid.Check(t, func(t *rapid.T) { newWorld(t).run(t) })
}

// seldom are rows that come up in one run of hundreds, each with the test that takes it.
var seldom = map[drayhorse.Transition]string{
	{From: drayhorse.Scheduled, To: drayhorse.Discarded, Event: drayhorse.EventLapse}: "TestWhatNobodyClaimsExpires",
}

// TestModelWithJumpingClock is for what comes with time: due jobs, retention, seen IDs,
// clocks that are set back. It holds the table of steps against what happens: every step
// that a job takes in a run is one of its rows, see check, and each row is taken: with -mutants
// there are further runs for rows that did not come up.
func TestModelWithJumpingClock(t *testing.T) {
	t.Parallel()
	const further = 300 // some rows come up in one of a hundred
	newWorld := embeddedWorlds(t)
	missing := map[drayhorse.Transition]bool{}
	for _, row := range drayhorse.Transitions() {
		missing[row] = true
	}
	maps.DeleteFunc(missing, func(row drayhorse.Transition, _ bool) bool { return seldom[row] != "" })
	run := func(t *rapid.T) {
		w := newWorld(t)
		w.run(t)
		for step := range w.model.steps {
			delete(missing, step)
		}
	}
	rapid.Check(t, run)
	if !*allMutants {
		t.Logf("%d rows did not come up", len(missing))
		return
	}
	more := rapid.Custom(func(t *rapid.T) bool { run(t); return true })
	for seed := 0; seed < further && len(missing) > 0 && !t.Failed(); seed++ {
		more.Example(seed)
	}
	for row := range missing {
		t.Errorf("no job went by %+v, in %d further runs either", row, further)
	}
}

// redisWorlds makes worlds on a redis-server of the test's own.
func redisWorlds(t *testing.T, server *redistest.Server) func(*rapid.T) *world {
	t.Helper()
	client := openClient(t, server.URL)
	admin := server.Client(t)
	bounds := func() (int64, int64) {
		now := time.Now().UnixMilli()
		return now - 60_000, now + 60_000
	}
	return func(rt *rapid.T) *world {
		if err := admin.FlushAll(context.Background()).Err(); err != nil {
			rt.Fatal(err)
		}
		return newModelWorld(rt, client, modelClock{bounds: bounds})
	}
}

// embeddedWorlds makes worlds on a server inside the process, whose clock stands
// still unless it is set.
func embeddedWorlds(t *testing.T) func(*rapid.T) *world {
	t.Helper()
	server := miniredis.RunT(t)
	client := openClient(t, "redis://"+server.Addr())
	return func(rt *rapid.T) *world {
		server.FlushAll()
		now := time.Now()
		server.SetTime(now)
		return newModelWorld(rt, client, modelClock{
			bounds: func() (int64, int64) { return now.UnixMilli(), now.UnixMilli() },
			jump: func(d time.Duration) {
				now = now.Add(d)
				server.SetTime(now)
			},
		})
	}
}

func openClient(t *testing.T, url string) *redis.Client {
	t.Helper()
	client, err := redis.Open(redis.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

var modelRuns atomic.Int64

func newModelWorld(t *rapid.T, client *redis.Client, clock modelClock) *world {
	e := New(client, fmt.Sprintf("model%d", modelRuns.Add(1)))
	partitions, err := e.Queue(context.Background(), "q")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{ctx: context.Background(), engine: e, p: partitions[0], clock: clock, model: newModel(), history: newHistory()}
	for range 3 {
		w.workers = append(w.workers, &modelWorker{lease: w.newLease()})
	}
	for i := range 2 {
		w.producers = append(w.producers, &modelProducer{writer: fmt.Sprintf("writer%d", i)})
	}
	return w
}

func (w *world) newName(prefix string) string {
	w.names++
	return fmt.Sprintf("%s%d", prefix, w.names)
}

func (w *world) newLease() *Lease { return NewLease(w.p, w.newName("w")) }

// modelOps are what may happen, each with its weight, and with its weight in a run in
// which workers die one after the other.
var modelOps = []struct {
	name           string
	weight, crashy int
	run            func(*world, *rapid.T)
}{
	{"turn", 40, 40, (*world).takeTurn},
	{"enqueue", 20, 3, (*world).enqueue},
	{"late copy", 6, 1, (*world).deliverLate},
	{"freeze", 4, 0, (*world).freeze},
	{"beat", 2, 0, (*world).beat},
	{"leave", 2, 2, (*world).leave},
	{"condemn", 8, 20, (*world).startRescue},
	{"rescue", 8, 40, (*world).stepRescue},
	{"abandon rescue", 1, 1, (*world).abandonRescue},
	{"alive", 3, 12, (*world).sayAlive},
	{"cancel", 6, 0, (*world).cancel},
	{"retry", 4, 1, (*world).retry},
	{"delete", 2, 0, (*world).remove},
	{"purge", 2, 0, (*world).purge},
	{"sweep", 2, 0, (*world).sweep},
	{"ring", 1, 0, (*world).ring},
	{"pause", 2, 0, (*world).pause},
	{"pause kind", 4, 1, (*world).pauseKind},
	{"depth", 2, 1, (*world).setDepth},
	{"limit", 3, 1, (*world).setLimit},
	{"limit kind", 3, 2, (*world).limitKind},
	{"cool down", 4, 2, (*world).coolDown},
	{"limit groups", 5, 3, (*world).limitGroups},
	{"take the bell", 4, 0, (*world).takeBell},
	{"resync", 1, 0, (*world).resync},
	{"summary", 2, 0, (*world).summary},
	{"await", 6, 2, (*world).await},
	{"report", 8, 2, (*world).report},
	{"jump", 4, 1, (*world).jump},
	{"minute", 2, 1, (*world).endMinute},
}

func (w *world) run(t *rapid.T) {
	w.crashy = chance(t, "crashy", 3)
	w.ranks = rapid.Bool().Draw(t, "ranks")
	w.groups = rapid.Bool().Draw(t, "groups")
	var deck []int
	for i, op := range modelOps {
		weight := op.weight
		if w.crashy {
			weight = op.crashy
		}
		deck = append(deck, slices.Repeat([]int{i}, weight)...)
	}
	step := func(t *rapid.T) {
		op := modelOps[rapid.SampledFrom(deck).Draw(t, "op")]
		t.Log(op.name)
		op.run(w, t)
	}
	t.Repeat(map[string]func(*rapid.T){"": w.check, "step": step})
	w.drain(t)
}

// check compares Redis with the model, and looks at the invariants.
func (w *world) check(t *rapid.T) {
	w.raw = readRaw(w.ctx, t, w.p)
	w.learnTimes(t)
	faults := append(w.raw.unsound(), w.model.view().differences(w.raw.view())...)
	faults = append(faults, w.model.miscounted(w.raw, w.jumped)...)
	for step := range w.model.steps {
		if !slices.Contains(drayhorse.Transitions(), step) {
			faults = append(faults, fmt.Sprintf("a job went by %+v, which is no row of drayhorse.Transitions", step))
		}
	}
	if len(faults) > 0 {
		t.Fatalf("Redis is not as it must be:\n%s", strings.Join(faults, "\n"))
	}
}

// learnTimes takes over the times at which Redis did what tells no time, if they
// can be right.
func (w *world) learnTimes(t *rapid.T) {
	learn := func(id string, score, after int64) int64 {
		if earliest, latest := w.clock.bounds(); score-after < earliest || score-after > latest {
			t.Fatalf("%q expires at %d, %d after a time that is not from %d to %d", id, score, after, earliest, latest)
		}
		return score
	}
	for id, j := range w.model.ended {
		if j.endedAt == 0 {
			j.endedAt = learn(id, w.raw.scores[columnOf(string(j.state))][id], 0)
		}
		j.size = len(w.raw.hashes[colArchive][id]) + w.raw.reported(id)
	}
	for id, expiry := range w.model.seen {
		if expiry == 0 {
			w.model.seen[id] = learn(id, w.raw.scores[colSeen][id], modelDay)
		}
	}
}
