package worker_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/worker"
)

// events listens in the rig's namespace.
func (r *rig) events(q admin.EventQuery) *admin.Events {
	r.Helper()
	e, err := r.admin().Events(r.Context(), q)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(e.Close)
	return e
}

// told gets events until done says that they are all.
func (r *rig) told(e *admin.Events, done func([]*admin.Event) bool) (all []*admin.Event) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), redistest.Stretch*10*time.Second)
	defer cancel()
	for !done(all) {
		some, err := e.Next(ctx)
		if err != nil {
			r.Fatalf("%v, after %d events", err, len(all))
		}
		all = append(all, some...)
	}
	return all
}

// TestWhatBecomesOfJobsIsTold: each attempt once when it begins and once when Redis knows how it
// ended, from the worker's first job on, which comes with the first listener before it.
func TestWhatBecomesOfJobsIsTold(t *testing.T) {
	r := setup(t)
	e := r.events(admin.EventQuery{})
	r.handle("good", func(context.Context, *rawJob) error { return nil })
	r.handle("retried", func(_ context.Context, job *rawJob) error {
		if job.Attempt == 1 {
			return errors.New("no\r\n\r\ndata: way")
		}
		return nil
	})
	r.handle("bad", func(context.Context, *rawJob) error { return drayhorse.Discard(errors.New("given up")) })
	r.handle("off", func(context.Context, *rawJob) error { return drayhorse.Cancel(nil) })
	r.handle("later", func(context.Context, *rawJob) error { return drayhorse.Snooze(time.Hour) })
	want := map[string]string{}
	for kind, types := range map[string]string{
		"good": "started completed", "retried": "started failed started completed", "bad": "started discarded",
		"off": "started cancelled", "later": "started snoozed", "unknown": "diverted",
	} {
		want[r.enqueue(kind).ID] = types
	}
	late := r.enqueue("good", drayhorse.StartWithin(time.Millisecond)).ID
	want[late] = "discarded"
	time.Sleep(2 * time.Millisecond) // it is too late then
	r.start()
	got := map[string]string{}
	all := r.told(e, func(all []*admin.Event) bool {
		clear(got)
		n := 0
		for _, event := range all {
			got[event.JobID] = strings.TrimSpace(got[event.JobID] + " " + string(event.Type))
		}
		for id, types := range want {
			if len(strings.Fields(got[id])) >= len(strings.Fields(types)) {
				n++
			}
		}
		return n == len(want)
	})
	// The next attempt of a job that is retried at once may be told before the end of the last one: another loop of the
	// worker has claimed it.
	sorted := func(types string) []string { return slices.Sorted(strings.FieldsSeq(types)) }
	for id, types := range want {
		if !slices.Equal(sorted(got[id]), sorted(types)) {
			t.Errorf("%s: %s; want %s", id, got[id], types)
		}
	}
	for _, event := range all {
		if event.WorkerID != r.worker.ID() || event.Queue != "default" || event.At.IsZero() || (event.JobID != late && event.Kind == "") {
			t.Errorf("got %+v", event)
		}
		switch event.Type {
		case admin.EventFailed:
			if event.Error != "no\r\n\r\ndata: way" || event.Attempt != 1 || event.Most != 25 {
				t.Errorf("got %+v", event)
			}
		case admin.EventSnoozed:
			if event.Delay != time.Hour {
				t.Errorf("got %+v", event)
			}
		}
	}
}

// TestJobsOfADeadWorkerAreTold by the one that takes them back.
func TestJobsOfADeadWorkerAreTold(t *testing.T) {
	r := setup(t)
	e := r.events(admin.EventQuery{})
	r.enqueue("hang")
	child := startChild(t, r.url, r.namespace, 1)
	r.told(e, func(all []*admin.Event) bool { return len(all) == 1 && all[0].Type == admin.EventStarted })
	child.kill()
	r.handle("hang", func(context.Context, *rawJob) error { return nil }).start()
	all := r.told(e, func(all []*admin.Event) bool { return len(all) == 3 })
	if all[0].Type != admin.EventRescued || all[0].Count != 1 || all[1].Type != admin.EventStarted || all[2].Type != admin.EventCompleted {
		t.Errorf("got %+v %+v %+v", all[0], all[1], all[2])
	}
}

// TestWhatRedisRefusedIsNotTold: a job that is not the worker's any more, by its claim or with its
// lease, has not completed.
func TestWhatRedisRefusedIsNotTold(t *testing.T) {
	metrics := prometheus.NewRegistry()
	r := setup(t, func(c *worker.Config) { c.Registerer = metrics })
	client, err := redis.Open(redis.Config{URL: r.url})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	a := r.admin()
	e := r.events(admin.EventQuery{Types: []admin.EventType{admin.EventCompleted, admin.EventOperator}})
	r.handle("stolen", func(ctx context.Context, _ *rawJob) error {
		return client.Del(ctx, r.namespace+":{default}:running").Err()
	})
	r.handle("deletes", func(ctx context.Context, _ *rawJob) error {
		_, err := a.DeleteQueue(ctx, "default", true)
		return err
	})
	r.handle("k", func(context.Context, *rawJob) error { return nil })
	r.enqueue("stolen")
	r.start()
	redistest.Eventually(t, 10*time.Second, "Redis has refused a finish", func() bool { return counted(t, metrics, "drayhorse_worker_refused_total") == 1 })
	want := r.enqueue("k").ID + "completed"
	var got []string
	until := func(text string) {
		t.Helper()
		r.told(e, func(all []*admin.Event) bool {
			for _, event := range all {
				if at := event.JobID + string(event.Type) + event.Act; !slices.Contains(got, at) {
					got = append(got, at)
				}
			}
			return slices.Contains(got, text)
		})
	}
	until(want)
	r.enqueue("deletes")
	until("operatorqueue deleted")
	last := r.enqueue("k").ID + "completed"
	until(last)
	if !slices.Equal(got, []string{want, "operatorqueue deleted", last}) {
		t.Errorf("got %q", got)
	}
}

// TestNobodyListensCostsNothing: no command of a worker's is about events, and no key is there.
func TestNobodyListensCostsNothing(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	r := setupAt(t, server.URL)
	r.handle("k", func(context.Context, *rawJob) error { return nil }).start()
	for range 20 {
		r.becomes(r.enqueue("k", keep).ID, drayhorse.Completed, time.Minute)
	}
	r.stop()
	text, err := server.Client(t).Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"xadd", "xrange", "xdel", "xread", "publish"} {
		if strings.Contains(text, "cmdstat_"+command+":") {
			t.Errorf("%s was called", command)
		}
	}
	for _, key := range server.Client(t).Keys(t.Context(), "*@workers*").Val() {
		if !strings.HasSuffix(key, "}:workers") && !strings.HasSuffix(key, "}:seen") {
			t.Errorf("there is %s", key)
		}
	}
}

// TestListenersHoldNoWorkerUp: neither a listener that takes nothing, nor a Redis node that does
// not answer, on which events would be kept. What is lost is counted.
func TestListenersHoldNoWorkerUp(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 3, 0, redistest.WithConfig("cluster-require-full-coverage no"))
	sick := nodeOf(t, c, "{@workers}")
	queues := slices.DeleteFunc(queuesOf(t, c), func(name string) bool { return nodeOf(t, c, name) == sick })
	metrics := prometheus.NewRegistry()
	r := setupAt(t, c.URL, func(cfg *worker.Config) {
		cfg.Queues = map[string]int{queues[0]: 1}
		cfg.Registerer = metrics
	})
	r.events(admin.EventQuery{}) // and takes none
	var begun, ran atomic.Int64
	paused := make(chan struct{})
	r.handle("test", func(context.Context, *rawJob) error {
		begun.Add(1)
		<-paused
		ran.Add(1)
		return nil
	})
	const many = 2000
	r.enqueueN(many, "test", drayhorse.Queue(queues[0]))
	r.start()
	redistest.Eventually(t, 10*time.Second, "jobs run", func() bool { return begun.Load() > 0 })
	c.Nodes[sick].Pause()
	defer c.Nodes[sick].Resume()
	close(paused)
	redistest.Eventually(t, 5*time.Second, "all jobs ran", func() bool { return ran.Load() >= many })
	redistest.Eventually(t, 20*time.Second, "what is lost is counted", func() bool { return counted(t, metrics, "drayhorse_worker_events_lost_total") > 0 })
}

// counted gives the sum of a counter.
func counted(t *testing.T, from prometheus.Gatherer, name string) (sum float64) {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// TestAFullRedisTellsNothing, and the jobs run.
func TestAFullRedisTellsNothing(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	metrics := prometheus.NewRegistry()
	r := setupAt(t, server.URL, func(cfg *worker.Config) { cfg.Registerer = metrics })
	e := r.events(admin.EventQuery{})
	r.handle("k", func(context.Context, *rawJob) error { return nil })
	var ids []string
	for range 5 {
		ids = append(ids, r.enqueue("k", keep).ID)
	}
	limit := func(bytes string) {
		if err := server.Client(t).ConfigSet(t.Context(), "maxmemory", bytes).Err(); err != nil {
			t.Fatal(err)
		}
	}
	limit("1")
	r.start()
	for _, id := range ids {
		r.becomes(id, drayhorse.Completed, time.Minute)
	}
	redistest.Eventually(t, time.Minute, "all events are lost", func() bool { return counted(t, metrics, "drayhorse_worker_events_lost_total") >= 10 })
	limit("0")
	id := r.enqueue("k", keep).ID
	missed := 0
	r.told(e, func(all []*admin.Event) bool {
		missed = 0
		for _, event := range all {
			if event.Type == admin.EventMissed {
				missed += event.Count
			}
			if event.JobID == id && event.Type == admin.EventCompleted {
				return true
			}
		}
		return false
	})
	if missed != 10 {
		t.Errorf("%d are told to be missing", missed)
	}
}
