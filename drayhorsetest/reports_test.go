package drayhorsetest_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/drayhorsetest"
	"github.com/drayhorse/drayhorse/worker"
)

type report struct{}

func (report) Kind() string { return "report" }

func handleReport(_ context.Context, job *drayhorse.Job[report]) error {
	job.Log().Warn("half", slog.Int("n", 1))
	out, err := job.Stream("rows")
	if err != nil {
		return err
	}
	for _, line := range []string{"a,b\n", "c,d\n"} {
		if _, err := fmt.Fprint(out, line); err != nil {
			return err
		}
	}
	return job.Progress(0.5, "half")
}

func TestReportsOfAJobByHand(t *testing.T) {
	t.Parallel()
	job := drayhorsetest.Job(report{})
	if p := drayhorsetest.Progress(t, job); p != nil {
		t.Errorf("before: %+v", p)
	}
	if err := handleReport(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	if p := drayhorsetest.Progress(t, job); p.Fraction != 0.5 || p.Text != "half" {
		t.Errorf("progress = %+v", p)
	}
	if l := drayhorsetest.Log(t, job); len(l) != 1 || l[0].Message != "half" || string(l[0].Attrs) != `{"n":1}` || l[0].Level != slog.LevelWarn {
		t.Errorf("log = %+v", l)
	}
	if s := drayhorsetest.Stream(t, job, "rows"); string(s) != "a,b\nc,d\n" {
		t.Errorf("stream = %q", s)
	}
}

// TestReportsOfAWorkedJob are there when Work returns.
func TestReportsOfAWorkedJob(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	w, err := worker.New(worker.Config{RedisURL: env.URL, Queues: map[string]int{"default": 1}})
	if err != nil {
		t.Fatal(err)
	}
	worker.Handle(w, handleReport)
	info, err := env.Producer.Enqueue(t.Context(), report{}, drayhorse.Retain(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	env.Work(w)
	if info, err = env.Producer.Wait(t.Context(), info.ID); err != nil || info.Progress == nil || info.Progress.Fraction != 0.5 {
		t.Errorf("info = %+v, %v", info, err)
	}
	if log, err := env.Producer.Log(t.Context(), info.ID); err != nil || len(log.Lines) != 1 {
		t.Errorf("log = %+v, %v", log, err)
	}
}
