package handlers

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
)

func TestHandlerTakesJobsOfItsQueuesAlone(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	cfg := Config{Exec: &Exec{Command: []string{"echo", "ran"}}, Queues: []string{"a", "b"}}
	run := buildOne(t, cfg, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for queue, want := range map[string]drayhorse.State{"a": drayhorse.Completed, "b": drayhorse.Completed, "q": drayhorse.Scheduled, "A": drayhorse.Scheduled} {
		job := newJob("{}")
		job.Queue = queue
		for range 2 {
			if err := run(t.Context(), job.Job); destination(err) != want || (job.result != nil) != (want == drayhorse.Completed) {
				t.Errorf("queue %s: %v, result %s; want it %s", queue, err, job.result, want)
			}
		}
	}
	if n := strings.Count(log.String(), "jobs are put off"); n != 2 {
		t.Errorf("%d warnings; want one for each queue: %s", n, &log)
	}
}
