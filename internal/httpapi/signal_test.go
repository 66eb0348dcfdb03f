package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/step"
	"github.com/drayhorse/drayhorse/worker"
)

// TestSignals wake a job that waits for one, by tokens that may.
func TestSignals(t *testing.T) {
	t.Parallel()
	_, change := tokens(t, "tokens:\n"+
		entry("ann", "ann", `signal: [q/order], read: [q]`)+
		entry("bob", "bob", `read: [q], cancel: ["*"]`)+
		entry("eve", "eve", `signal: [q/other]`))
	d := setup(t, change)
	w, err := worker.New(worker.Config{RedisURL: redistest.Shared(t), Namespace: d.namespace, Queues: map[string]int{"q": 1}, Concurrency: 1})
	if err != nil {
		t.Fatal(err)
	}
	worker.HandleKind(w, "order", func(ctx context.Context, job *drayhorse.Job[json.RawMessage]) error {
		if _, err := step.Run(ctx, "charge", func(context.Context) (string, error) { return "c1", nil }); err != nil {
			return err
		}
		answer, err := step.WaitSignal[json.RawMessage](ctx, "approved", time.Hour)
		if err != nil {
			return err
		}
		return job.SetResult(answer)
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	info, err := d.jobs.EnqueueRaw(t.Context(), "order", nil, drayhorse.Queue("q"), drayhorse.Retain(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, within, "it waits", func() bool {
		now, err := d.jobs.Get(t.Context(), info.ID)
		return err == nil && now.State == drayhorse.Scheduled
	})
	path := "/v1/jobs/" + info.ID + "/signals/"
	post := func(token, name, body string, headers ...string) answer {
		t.Helper()
		d.token = token
		return d.do(http.MethodPost, path+name, body, headers...)
	}
	for _, c := range []struct {
		token, name, body string
		code              int
		says              string
	}{
		{"bob", "approved", "1", http.StatusForbidden, `may not signal`},
		{"eve", "approved", "1", http.StatusNotFound, "no job has that id"},
		{"nobody", "approved", "1", http.StatusUnauthorized, "the token is not known"},
		{"ann", "a%20b", "1", http.StatusUnprocessableEntity, `signal \"a b\"; want`},
		{"ann", "approved", "{", http.StatusUnprocessableEntity, "no JSON value"},
		{"ann", "approved", `"` + strings.Repeat("x", 70_000) + `"`, http.StatusUnprocessableEntity, "at most 65536"},
	} {
		if a := post(c.token, c.name, c.body); a.code != c.code || !strings.Contains(a.body, c.says) {
			t.Errorf("%s to %s: %d %s, want %d %s", c.token, c.name, a.code, a.body, c.code, c.says)
		}
	}
	for range 2 {
		if a := post("ann", "approved", `{"ok":true}`, "Idempotency-Key: k1"); a.code != http.StatusAccepted || a.body != "" {
			t.Errorf("signal: %d %s", a.code, a.body)
		}
	}
	redistest.Eventually(t, within, "it goes on", func() bool {
		now, err := d.jobs.Get(t.Context(), info.ID)
		return err == nil && now.State == drayhorse.Completed && string(now.Result) == `{"ok":true}`
	})
	d.token = "bob"
	a := d.do(http.MethodGet, "/v1/jobs/"+info.ID+"/steps?queue=q", "")
	var steps drayhorse.JobSteps
	if err := json.Unmarshal([]byte(a.body), &steps); err != nil || a.code != http.StatusOK {
		t.Fatalf("steps: %d %s", a.code, a.body)
	}
	if len(steps.Steps) != 1 || string(steps.Steps[0].Result) != `"c1"` || len(steps.Waits) != 1 || !steps.Waits[0].Came || steps.Signals[0].Sender != "ann" || steps.Signals[0].Key != "k1" {
		t.Errorf("steps: %s", a.body)
	}
	if a := post("ann", "late", ""); a.code != http.StatusNotFound || !strings.Contains(a.body, "the job has ended; nothing waits") {
		t.Errorf("to an ended job: %d %s", a.code, a.body)
	}
	waiting, err := d.jobs.EnqueueRaw(t.Context(), "order", nil, drayhorse.Queue("q"), drayhorse.In(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	path = "/v1/jobs/" + waiting.ID + "/signals/"
	for i, want := range []int{http.StatusAccepted, http.StatusConflict} {
		if a := post("ann", "approved", "", []string{"Idempotency-Key: k1", "Idempotency-Key: k2"}[i]); a.code != want || want == http.StatusConflict && !strings.Contains(a.body, "under another key") {
			t.Errorf("%d %s, want %d", a.code, a.body, want)
		}
	}
}
