package main

import (
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/drayhorsetest"
	"github.com/drayhorse/drayhorse/examples/email"
)

// TestReports has the worker of this program run two reports, one of which can never be
// sent.
func TestReports(t *testing.T) {
	t.Parallel()
	env := drayhorsetest.New(t)
	w, err := newWorker(env.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"boss@example.org", "nobody"} {
		_, err := env.Producer.Enqueue(t.Context(), email.Report{To: to, Days: 7}, drayhorse.ID("report-"+to), drayhorse.In(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
	}
	if early := env.Work(w); len(early) > 0 {
		t.Errorf("before their time: %v", early)
	}
	env.Advance(time.Hour)
	states := map[string]drayhorse.State{}
	for _, o := range env.Work(w) {
		states[o.Job.ID] = o.State
	}
	if states["report-boss@example.org"] != drayhorse.Completed || states["report-nobody"] != drayhorse.Discarded {
		t.Errorf("the reports are %v", states)
	}
}

// TestReport calls a handler as it is, without a server.
func TestReport(t *testing.T) {
	t.Parallel()
	job := drayhorsetest.Job(email.Report{To: "boss@example.org", Days: 7})
	if err := report(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	sent := drayhorsetest.Result[struct {
		To   string `json:"sent_to"`
		Days int    `json:"days"`
	}](t, job)
	if sent.To != "boss@example.org" || sent.Days != 7 {
		t.Errorf("sent %+v", sent)
	}
}
