package operate_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/step"
	"github.com/drayhorse/drayhorse/worker"
)

func TestSignalAndSteps(t *testing.T) {
	t.Parallel()
	o := setup(t)
	w, err := worker.New(worker.Config{RedisURL: o.url, Queues: map[string]int{"default": 1}, Concurrency: 1})
	if err != nil {
		t.Fatal(err)
	}
	worker.HandleKind(w, "k", func(ctx context.Context, job *drayhorse.Job[json.RawMessage]) error {
		if _, err := step.Run(ctx, "charge", func(context.Context) (string, error) { return "c\x1b1", nil }); err != nil {
			return err
		}
		answer, err := step.WaitSignal[json.RawMessage](ctx, "approved", time.Hour)
		if err != nil {
			return err
		}
		if err := job.SetResult(answer); err != nil {
			return err
		}
		return step.Sleep(ctx, "rest", time.Hour)
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	o.enqueue("k", "a", drayhorse.Retain(time.Hour))
	var shown string
	redistest.Eventually(t, 30*time.Second, "it waits", func() bool {
		_, shown, _ = o.call("jobs", "get", "a")
		return strings.Contains(shown, "scheduled")
	})
	for _, want := range []string{"Step       charge: done ", `: "c\u001b1"`, "Step       approved: waits for its signal until "} {
		if !strings.Contains(shown, want) {
			t.Errorf("jobs get has no %q: %s", want, shown)
		}
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"a"}, 2, "no NAME is given"},
		{[]string{"a", "approved", "{"}, 2, `value "{"; want JSON`},
		{[]string{"a", "a b"}, 2, `signal "a b"`},
		{[]string{"none", "approved"}, 1, "not found"},
		{[]string{"a", "approved", `{"ok":true}`, "--key", "k1", "--sender", "ann"}, 0, "signalled a\n"},
		{[]string{"a", "approved", "1", "--key", "k1", "--json"}, 0, `"duplicate"`},
		{[]string{"a", "approved", "1"}, 1, "signalled already"},
	} {
		code, stdout, stderr := o.call(append([]string{"jobs", "signal"}, c.args...)...)
		if code != c.code || !strings.Contains(stdout+stderr, c.says) {
			t.Errorf("%q: exit %d, %q, %q; want %d, %q", c.args, code, stdout, stderr, c.code, c.says)
		}
		if c.code == 0 && strings.Contains(c.says, "signalled") {
			redistest.Eventually(t, 30*time.Second, "it sleeps", func() bool {
				_, shown, _ = o.call("jobs", "get", "a")
				return strings.Contains(shown, "scheduled") && strings.Contains(shown, "rest: ")
			})
		}
	}
	for _, want := range []string{"Step       rest: sleeps until ", "Signal     approved: 11 bytes, ", ", from ann"} {
		if !strings.Contains(shown, want) {
			t.Errorf("jobs get has no %q: %s", want, shown)
		}
	}
	var seen struct {
		ID string
		drayhorse.JobSteps
	}
	_, stdout, _ := o.call("jobs", "get", "a", "--json")
	if err := json.Unmarshal([]byte(stdout), &seen); err != nil || seen.ID != "a" || len(seen.Steps) != 2 || len(seen.Waits) != 1 || len(seen.Signals) != 1 {
		t.Errorf("as JSON: %v, %s", err, stdout)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
