package admin_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// leave leaves a flow behind whose creator has been silent for so long.
func (y *yard) leave(id, field string, since time.Duration) {
	y.t.Helper()
	opts, err := redis.ParseURL(y.url)
	if err != nil {
		y.t.Fatal(err)
	}
	client := redis.NewClient(opts)
	defer client.Close()
	keys, err := client.Keys(y.t.Context(), y.namespace+":{@flow/*}:flow:"+id).Result()
	if err != nil || len(keys) != 1 {
		y.t.Fatalf("the record of %s: %v, %v", id, keys, err)
	}
	if err := client.HIncrBy(y.t.Context(), keys[0], field, -since.Milliseconds()).Err(); err != nil {
		y.t.Fatal(err)
	}
}

// draft leaves a flow behind of which not all steps are stored.
func (y *yard) draft() string {
	y.t.Helper()
	for n := 0; ; n++ {
		id := fmt.Sprintf("draft-%d", n)
		f := flow.New(id)
		for i := range flow.MaxSteps {
			f.Step(fmt.Sprintf("s%d", i), drayhorse.Raw("k", nil), drayhorse.Queue("q"))
		}
		ctx, cancel := context.WithCancel(y.t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := y.jobs.Submit(ctx, f)
			done <- err
		}()
		redistest.Eventually(y.t, 10*time.Second, "a part of the steps", func() bool {
			_, err := y.jobs.Flow(y.t.Context(), id)
			return err == nil
		})
		cancel()
		<-done
		if info, err := y.jobs.Flow(y.t.Context(), id); err != nil {
			y.t.Fatal(err)
		} else if info.State == flow.Draft {
			return id
		}
	}
}

// TestStuckFlows: each sort of flow that does not go on by itself is found, with what it waits for; those that go
// on, or have ended, are not.
func TestStuckFlows(t *testing.T) {
	t.Parallel()
	y := setup(t, redistest.Start(t).URL)
	ctx := t.Context()
	if _, err := y.admin.CreateQueue(ctx, "held-up", 1); err != nil {
		t.Fatal(err)
	}
	if err := y.admin.Pause(ctx, admin.Target{Queue: "held-up"}, "the printer burns"); err != nil {
		t.Fatal(err)
	}
	step := func(f *flow.Flow, queue, kind string) *flow.Step {
		return f.Step("work", drayhorse.Raw(kind, nil), drayhorse.Queue(queue), drayhorse.MaxAttempts(1))
	}
	submit := func(f *flow.Flow) {
		if _, err := y.jobs.Submit(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	batch := func(id string, closes bool, queues ...string) {
		b, err := y.jobs.NewBatch(ctx, flow.Batch{ID: id})
		if err != nil {
			t.Fatal(err)
		}
		for _, queue := range queues {
			if _, err := b.Add(ctx, drayhorse.Spec{Args: drayhorse.Raw("k", nil), Options: []drayhorse.Option{drayhorse.Queue(queue)}}); err != nil {
				t.Fatal(err)
			}
		}
		if closes {
			if err := b.Close(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	began, tell := y.work("q")
	mended := flow.New("mended")
	mended.Step("next", drayhorse.Raw("k", nil), drayhorse.Queue("q")).AfterHold(step(mended, "q", "k"))
	submit(mended)
	<-began
	tell <- errors.New("broken")
	signals := flow.New("signals")
	step(signals, "q", "k").After(signals.Signal("approved", time.Hour))
	submit(signals)
	nobody := flow.New("nobody")
	step(nobody, "nowhere", "k")
	submit(nobody)
	unknown := flow.New("unknown")
	step(unknown, "q", "other")
	submit(unknown)
	batch("paused", true, "held-up", "held-up")
	batch("left-open", false, "nowhere")
	y.leave("left-open", "open", 10*time.Minute)
	draft := y.draft()
	y.leave(draft, "created", 10*time.Minute)
	// These go on, or have ended.
	later := flow.New("later")
	step(later, "q", "k").Delay(time.Hour)
	later.Signal("approved", time.Hour)
	submit(later)
	batch("runs", true, "q", "held-up")
	<-began
	batch("just-begun", false, "nowhere")
	batch("empty", true)

	want := map[string]string{
		"mended":    "next: waits for work, which is discarded",
		"signals":   "approved: its signal has not come; it is waited for until ",
		"nobody":    "no worker works on queue nowhere",
		"unknown":   "no worker of queue q has a handler for kind other",
		"paused":    "2 members in queue held-up: queue held-up is paused: the printer burns",
		"left-open": "it is open, and nothing was added for 10m0s; it counts as abandoned at ",
		draft:       "not all of its steps are stored; it is dropped at ",
	}
	got := map[string]string{}
	defer func() {
		if t.Failed() {
			t.Logf("got %q", got)
		}
	}()
	redistest.Eventually(t, 20*time.Second, "those that are stuck are listed", func() bool {
		all, err := y.admin.StuckFlows(ctx)
		if err != nil {
			t.Fatal(err)
		}
		clear(got)
		for _, s := range all {
			got[s.Flow.ID] = s.Why
		}
		return maps.EqualFunc(got, want, strings.Contains)
	})
	why, err := y.admin.ExplainFlow(ctx, "runs")
	if err != nil || len(why) != 2 || why[0].Queue != "held-up" || why[0].Members != 1 || !strings.Contains(why[0].Why, "paused") || why[1].Why != "they wait or run" {
		t.Errorf("%+v, %v", why, err)
	}
	tell <- nil
}
