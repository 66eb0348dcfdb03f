package operate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/worker"
)

func TestLogsOfAJob(t *testing.T) {
	t.Parallel()
	o := setup(t)
	goOn := make(chan struct{})
	w, err := worker.New(worker.Config{RedisURL: o.url, Queues: map[string]int{"default": 1}, Concurrency: 1})
	if err != nil {
		t.Fatal(err)
	}
	worker.HandleKind(w, "k", func(_ context.Context, job *drayhorse.Job[json.RawMessage]) error {
		job.Log().Info("first\x1b[2J", slog.Int("n", 1))
		<-goOn
		job.Log().Warn("last")
		return job.Progress(1, "done")
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	o.enqueue("k", "a", drayhorse.Retain(time.Hour))
	time.AfterFunc(1500*time.Millisecond, func() { close(goOn) })
	var out, stderr bytes.Buffer
	if code := o.run(t.Context(), &out, &stderr, "jobs", "logs", "a", "-f"); code != 0 {
		t.Errorf("exit %d, %q", code, stderr.String())
	}
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 3 || !strings.HasSuffix(lines[0], ` INFO  [1] first\x1b[2J {"n":1}`) || !strings.HasSuffix(lines[1], " WARN  [1] last") {
		t.Errorf("got %q", out.String())
	}
	if _, stdout, _ := o.call("jobs", "logs", "a", "--json"); strings.Count(stdout, "\n") != 2 || !strings.Contains(stdout, `"message":"last"`) {
		t.Errorf("as JSON: %q", stdout)
	}
	if _, stdout, _ := o.call("jobs", "get", "a"); !strings.Contains(stdout, "Progress") || !strings.Contains(stdout, "100 %, done (") {
		t.Errorf("jobs get: %q", stdout)
	}
	if code, _, stderr := o.call("jobs", "logs", "none"); code != 1 || !strings.Contains(stderr, "not found") {
		t.Errorf("exit %d, %q", code, stderr)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
