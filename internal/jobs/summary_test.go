package jobs

import (
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

// TestSummaryCountsWhatIsThere compares it with a count key by key.
func TestSummaryCountsWhatIsThere(t *testing.T) {
	conform(t, func(r *rig) {
		if s := r.summary(); s.Available+s.Running+s.Scheduled+s.Leases != 0 || !s.Oldest.IsZero() || len(s.Totals) != 0 {
			r.t.Fatalf("of nothing: %+v", s)
		}
		l := r.newLease()
		r.inEveryState(l)
		r.fill(l, drayhorse.Retryable, 7)
		r.enqueue(r.newJob(), r.newJob(in(time.Hour)))
		raw, s := r.raw(), r.summary()
		retryable := 0
		for id := range raw.scores[colScheduled] {
			if failed, _ := tally(raw.hashes[colCounts][id]); failed > 0 {
				retryable++
			}
		}
		want := Summary{
			Available: len(raw.lists[colReady]), Running: len(raw.hashes[colRunning]), Retryable: retryable,
			Scheduled: len(raw.scores[colScheduled]) - retryable, Leases: 1, Completed: 1, Cancelled: 1, Discarded: 1,
		}
		if !summariesEqual(*s, want) {
			r.t.Errorf("summary = %+v, want %+v", s, want)
		}
		next := r.info(raw.lists[colReady][0])
		if !s.Oldest.Equal(next.EnqueuedAt) || time.Since(s.Now).Abs() > time.Minute {
			r.t.Errorf("oldest %v, now %v; want %v", s.Oldest, s.Now, next.EnqueuedAt)
		}
	})
}

// TestSummarySaysSinceWhenJobsWait: with every reason not to believe the next in line.
func TestSummarySaysSinceWhenJobsWait(t *testing.T) {
	conform(t, func(r *rig) {
		if got := r.summary().Waited(); got != 0 {
			r.t.Errorf("of nothing: %v", got)
		}
		ago := func(d time.Duration) func(*NewJob) {
			return func(j *NewJob) { j.Envelope.EnqueuedAt = time.Now().Add(-d) }
		}
		waited := func(what string, want time.Duration) {
			r.t.Helper()
			if got := r.summary().Waited(); (got - want).Abs() > 4*time.Minute {
				r.t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
		r.enqueue(r.newJob(in(time.Hour)))
		waited("one that is due in an hour", 0)

		failed := r.enqueue(r.newJob(ago(9 * time.Hour)))[0]
		l := r.newLease()
		claim := r.turn(l, 1).Claims[0]
		waited("a running one", 0)
		r.turn(l, 0, claim.finish(Fail, func(f *Finish) { f.Error = &drayhorse.AttemptError{} }))
		r.turn(l, 0) // puts it in line again
		waited("a failed one alone", 9*time.Hour)
		r.enqueue(r.newJob(ago(10 * time.Minute)))
		waited("the one behind the failed one", 10*time.Minute)
		dead := r.enqueue(r.newJob(ago(2 * time.Hour)))[0]
		r.must(r.part.Cancel(r.ctx, failed))
		r.must(r.part.Cancel(r.ctx, dead))
		waited("with cancelled ones about", 10*time.Minute)

		r.enqueue(r.newJob(ago(3*time.Hour), func(j *NewJob) { j.Envelope.Args = make([]byte, 1<<20) }))
		waited("a large one behind it", 10*time.Minute)
		parked := r.turn(l, 1).Claims[0]
		waited("the large one alone", 3*time.Hour)
		r.turn(l, 0, parked.finish(Divert, func(f *Finish) { f.Lane = "k" }))
		r.turn(l, 1)
		waited("one that was set aside", 10*time.Minute)
	})
}
