package scheduler

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// The environment of a replica in a process of its own: this test binary, run
// again.
const (
	childURL       = "SCHEDULER_TEST_URL"
	childNamespace = "SCHEDULER_TEST_NAMESPACE"
	childIdentity  = "SCHEDULER_TEST_IDENTITY"
	childPlan      = "SCHEDULER_TEST_PLAN"
)

// fleetSource is who declares the schedules of a fleet.
const fleetSource = "fleet"

// plan is what the replicas of a fleet declare.
type fleetPlan struct {
	Schedules  int
	Start, End time.Time
}

// schedules gives one of each sort in turn.
func (p fleetPlan) schedules() []Schedule {
	all := make([]Schedule, p.Schedules)
	for i := range all {
		s := sorts[i%len(sorts)]
		all[i] = Schedule{
			ID: "s" + strconv.Itoa(i), Cron: s.cron, Every: s.every, Start: p.Start, End: p.End,
			Args: raw("chaos"), CatchUp: CatchUpAll,
		}
	}
	return all
}

// sorts are the timings of a fleet, each with an independent oracle.
var sorts = []struct {
	cron  string
	every time.Duration
	fires func(second int64) bool
}{
	{every: time.Second, fires: func(int64) bool { return true }},
	{every: 2 * time.Second, fires: func(s int64) bool { return s%2 == 0 }},
	{cron: "*/3 * * * * *", fires: func(s int64) bool { return s%3 == 0 }},
	{cron: "5-59/7 * * * * *", fires: func(s int64) bool { return s%60 >= 5 && (s%60-5)%7 == 0 }},
	{every: 5 * time.Second, fires: func(s int64) bool { return s%5 == 0 }},
}

// expected gives the IDs of the jobs of all ticks.
func (p fleetPlan) expected() map[string]bool {
	ids := map[string]bool{}
	for i := range p.Schedules {
		for second := p.Start.Unix(); second <= p.End.Unix(); second++ {
			if sorts[i%len(sorts)].fires(second) {
				ids["s"+strconv.Itoa(i)+"@"+strconv.FormatInt(second*1000, 10)] = true
			}
		}
	}
	return ids
}

// child is main of a replica.
func child() {
	var plan fleetPlan
	if err := json.Unmarshal([]byte(os.Getenv(childPlan)), &plan); err != nil {
		panic(err)
	}
	s, err := New(Config{
		RedisURL: os.Getenv(childURL), Namespace: os.Getenv(childNamespace), Identity: os.Getenv(childIdentity),
		Source: fleetSource, LeaseTTL: time.Second,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		panic(err)
	}
	for _, schedule := range plan.schedules() {
		if err := s.Add(schedule); err != nil {
			panic(err)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := s.Run(ctx); err != nil {
		panic(err)
	}
}

// replica is a process.
type replica struct {
	*exec.Cmd

	identity string
	exited   chan struct{}
}

func (r *rig) startReplica(identity string, plan fleetPlan) *replica {
	r.Helper()
	text, err := json.Marshal(plan)
	if err != nil {
		r.Fatal(err)
	}
	p := &replica{Cmd: exec.Command(os.Args[0], "-test.run=^$"), identity: identity, exited: make(chan struct{})}
	p.Env = append(os.Environ(), childURL+"="+r.url, childNamespace+"="+r.namespace, childIdentity+"="+identity, childPlan+"="+string(text))
	p.Stderr = r.Output()
	if err := p.Start(); err != nil {
		r.Fatal(err)
	}
	go func() { defer close(p.exited); _ = p.Wait() }()
	r.Cleanup(p.kill)
	return p
}

func (p *replica) kill() {
	_ = p.Process.Kill() // it may have ended
	<-p.exited
}

func (p *replica) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}
