package scheduler

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

var (
	chaosSchedules = flag.Int("chaos.schedules", 50, "schedules of the chaos tests")
	chaosTime      = flag.Duration("chaos.time", 15*time.Second, "how long the chaos tests fire")
	chaosSeed      = flag.Uint64("chaos.seed", 0, "seed of the faults; 0: another one each time")
)

// Three replicas that are killed, frozen past their lease and restarted: the jobs
// in the queue are the expected ticks, each once.
func TestFleetUnderFaults(t *testing.T) {
	t.Parallel()
	newFleet(t, setupAt(t, redistest.Shared(t)), 1).run(nil)
}

// The same, and Redis is killed and restarted from its append-only file.
func TestFleetWithRedisRestarts(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.WithAOF())
	f := newFleet(t, setupAt(t, server.URL), 2)
	f.run(server.Restart)
}

// The same on a Sentinel group whose primary is killed. All that a scheduler writes
// is in one stream of replication, so what survives is a whole history, and the
// ticks that it lacks fire anew.
func TestFleetWithFailover(t *testing.T) {
	t.Parallel()
	group := redistest.StartSentinel(t)
	f := newFleet(t, setupAt(t, group.URL), 3)
	var once sync.Once
	f.run(func() { once.Do(func() { group.KillPrimary(t) }) })
}

// fleet is three replicas and what befalls them.
type fleet struct {
	*rig

	plan     fleetPlan
	random   *rand.Rand
	replicas [3]*replica
	started  int
	faults   map[string]int
	terms    map[int64]bool
}

func newFleet(t *testing.T, r *rig, salt uint64) *fleet {
	t.Helper()
	seed := *chaosSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-chaos.seed %d", seed)
	start := time.Now().Truncate(time.Second).Add(3 * time.Second)
	f := &fleet{
		rig: r, plan: fleetPlan{*chaosSchedules, start, start.Add(*chaosTime)},
		random: rand.New(rand.NewPCG(seed, salt)), faults: map[string]int{}, terms: map[int64]bool{},
	}
	f.declare()
	for i := range f.replicas {
		f.start(i)
	}
	return f
}

// declare declares the schedules, so that no tick depends on how soon the replicas are
// there.
func (f *fleet) declare() {
	f.Helper()
	s := f.scheduler(f.plan.schedules(), func(c *Config) { c.Source = fleetSource })
	defer func() { _ = s.Close() }()
	source := s.source()
	if err := s.reconcile(f.Context(), &source); err != nil {
		f.Fatal(err)
	}
}

func (f *fleet) start(i int) {
	f.started++
	f.replicas[i] = f.startReplica(fmt.Sprintf("%d/%d", i, f.started), f.plan)
}

// run makes faults until the last tick, and checks the queue when all is quiet.
func (f *fleet) run(restartRedis func()) {
	f.Helper()
	observer := f.scheduler(nil)
	defer func() { _ = observer.client.Close() }()
	for n := 0; time.Now().Before(f.plan.End); n++ {
		leader := f.leader(observer)
		switch what := f.random.IntN(4); {
		case restartRedis != nil && n%3 == 1:
			f.faults["redis killed"]++
			restartRedis()
		case what == 0:
			f.faults["leader killed"]++
			f.replicas[leader].kill()
			f.start(leader)
		case what == 1:
			f.faults["leader frozen"]++
			f.freeze(observer, leader)
		case what == 2:
			f.faults["leader stopped"]++
			f.stop(leader)
		default:
			f.faults["follower stopped"]++
			f.stop((leader + 1) % len(f.replicas))
		}
		f.wait(time.Duration(f.random.IntN(1500)) * time.Millisecond)
	}
	redistest.Eventually(f.T, time.Minute, "all schedules have ended and the outbox is empty", f.quiet)
	f.check()
}

// wait lets time pass between two faults.
func (f *fleet) wait(d time.Duration) {
	select {
	case <-f.Context().Done():
	case <-time.After(d):
	}
}

// leader waits until one of the replicas leads, and says which.
func (f *fleet) leader(observer *Scheduler) int {
	f.Helper()
	found := -1
	redistest.Eventually(f.T, patience, "a living leader", func() bool {
		leader, err := observer.Leader(f.Context())
		if err != nil {
			return false
		}
		for i, p := range f.replicas {
			if p.identity == leader.Identity {
				found, f.terms[leader.Term] = i, true
			}
		}
		return found >= 0
	})
	return found
}

// freeze stops the leader until another one leads, and lets it go on.
func (f *fleet) freeze(observer *Scheduler, leader int) {
	f.Helper()
	frozen := f.replicas[leader]
	frozen.signal(f.T, syscall.SIGSTOP)
	redistest.Eventually(f.T, patience, "another leader", func() bool {
		now, err := observer.Leader(f.Context())
		return err == nil && now.Identity != frozen.identity && now.Term != 0
	})
	frozen.signal(f.T, syscall.SIGCONT)
}

func (f *fleet) stop(i int) {
	f.replicas[i].signal(f.T, syscall.SIGTERM)
	<-f.replicas[i].exited
	f.start(i)
}

// quiet reports whether nothing more will fire.
func (f *fleet) quiet() bool {
	all, err := f.store.List(f.Context())
	if err != nil || len(all) != f.plan.Schedules {
		return false
	}
	for _, s := range all {
		if !s.Next.IsZero() {
			return false
		}
	}
	n, err := f.engine.Client().ZCard(f.Context(), f.namespace+":{@sched}:outbox").Result()
	return err == nil && n == 0
}

// check compares the jobs in the queue with the ticks of the plan.
func (f *fleet) check() {
	f.Helper()
	want, got := f.plan.expected(), map[string]int{}
	for _, id := range f.ids(drayhorse.DefaultQueue) {
		got[id]++
	}
	lost, twice, unexpected := 0, 0, 0
	for id := range want {
		if got[id] == 0 {
			lost++
		}
	}
	for id, n := range got {
		if n > 1 {
			twice++
		}
		if !want[id] {
			unexpected++
		}
	}
	refused, err := f.engine.Client().HGet(f.Context(), f.namespace+":{@sched}:meta", "refused").Int()
	if redis.Answered(err) {
		err = nil
	}
	f.Logf("%d ticks expected, %d fired, %d lost, %d twice, %d unexpected; terms %d, refused %d (%v); %v",
		len(want), len(got), lost, twice, unexpected, len(f.terms), refused, err, f.faults)
	if lost+twice+unexpected > 0 || len(want) == 0 {
		f.Error("the jobs are not the expected ticks, each once")
	}
}
