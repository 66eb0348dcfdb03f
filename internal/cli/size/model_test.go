package size

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// near is how far the verb may be off what Redis really needs.
const near = 0.15

// measured puts jobs into a Redis of its own and gives what each takes there, when none is
// left to run. data is the length of their arguments, of their results and of their errors.
func measured(t *testing.T, args, result int, options ...drayhorse.Option) float64 {
	t.Helper()
	server := redistest.Start(t)
	client := server.Client(t)
	p, err := producer.New(producer.Config{RedisURL: server.URL, Patience: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	used := func() float64 {
		info, err := client.Info(t.Context(), "memory").Result()
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(info, "used_memory:")
		n, err := strconv.ParseFloat(strings.TrimSpace(strings.SplitN(rest, "\r", 2)[0]), 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	put := func(n int) {
		specs := make([]drayhorse.Spec, n)
		raw := json.RawMessage(`"` + strings.Repeat("x", max(args-2, 0)) + `"`)
		for i := range specs {
			specs[i] = drayhorse.Spec{Args: drayhorse.Raw("kindname", raw), Options: options}
		}
		if _, err := p.EnqueueMany(t.Context(), specs); err != nil {
			t.Fatal(err)
		}
	}
	n := 12_000
	if args+max(result, -result) > 5000 {
		n = 3000
	}
	put(10) // what a queue takes without jobs
	before := used()
	put(n)
	if result != 0 {
		run(t, server.URL, n+10, result)
	}
	return (used() - before) / float64(n)
}

// run ends all jobs: with results, or with errors if result is negative.
func run(t *testing.T, url string, n, result int) {
	t.Helper()
	w, err := worker.New(worker.Config{RedisURL: url, Concurrency: 50})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("x", max(result, -result)-2)
	done := make(chan struct{}, n)
	worker.HandleKind(w, "kindname", func(_ context.Context, job *drayhorse.Job[json.RawMessage]) error {
		defer func() { done <- struct{}{} }()
		if result < 0 {
			return drayhorse.Discard(errors.New(text))
		}
		return job.SetResult(text)
	})
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- w.Run(ctx) }()
	for range n {
		<-done
	}
	stop()
	if err := <-ran; err != nil {
		t.Fatal(err)
	}
}

// TestTheModelIsWhatRedisNeeds holds the constants to a real server.
func TestTheModelIsWhatRedisNeeds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what         string
		args, result int
		model        int
		options      []drayhorse.Option
	}{
		{"waiting", 20, 0, waiting(20), nil},
		{"waiting", 100, 0, waiting(100), nil},
		{"waiting", 1000, 0, waiting(1000), nil},
		{"waiting", 10_000, 0, waiting(10_000), nil},
		{"scheduled", 100, 0, scheduled(100), []drayhorse.Option{drayhorse.In(time.Hour)}},
		{"scheduled", 1000, 0, scheduled(1000), []drayhorse.Option{drayhorse.In(time.Hour)}},
		{"completed", 100, 20, ended(100, 20), []drayhorse.Option{drayhorse.Retain(time.Hour)}},
		{"completed", 100, 1000, ended(100, 1000), []drayhorse.Option{drayhorse.Retain(time.Hour)}},
		{"completed", 5000, 20, ended(5000, 20), []drayhorse.Option{drayhorse.Retain(time.Hour)}},
		{"discarded", 100, -200, ended(100, 200+attemptError), nil},
	} {
		t.Run(fmt.Sprintf("%s/%d+%d", c.what, c.args, c.result), func(t *testing.T) {
			got := measured(t, c.args, c.result, c.options...)
			off := float64(c.model)/got - 1
			t.Logf("%s, %d bytes of arguments and %d of result: %.0f bytes, by the model %d (%+.0f %%)", c.what, c.args, c.result, got, c.model, 100*off)
			if off < -near || off > near {
				t.Errorf("it is %+.0f %% off; want within %.0f %%", 100*off, 100*near)
			}
		})
	}
}
