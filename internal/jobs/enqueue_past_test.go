package jobs

import (
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

func withPast(p Past) func(*NewJob) { return func(j *NewJob) { j.Past = &p } }

func TestAJobWithAPastGoesOnWhereItWas(t *testing.T) {
	conform(t, func(r *rig) {
		failedAt := time.UnixMilli(1_700_000_000_000)
		last := &drayhorse.AttemptError{Attempt: 3, At: failedAt, Message: "a|b\n12:c"}
		ids := r.enqueue(
			r.newJob(ownID("waits"), in(time.Hour), withPast(Past{Failed: 3, LastError: last})),
			r.newJob(ownID("due"), withPast(Past{Failed: 3, LastError: last})),
			r.newJob(withPast(Past{})),
		)
		waits, err := r.part.Get(r.ctx, ids[0])
		r.must(err)
		if waits.State != drayhorse.Retryable || waits.Attempt != 4 || len(waits.Errors) != 1 ||
			waits.Errors[0].Message != last.Message || !waits.Errors[0].At.Equal(failedAt) {
			t.Errorf("the waiting job is %+v", waits)
		}
		if s := r.summary(); s.Retryable != 1 || s.Scheduled != 0 {
			t.Errorf("summary = %+v, want 1 retryable", s)
		}
		l := r.newLease()
		claims := r.turn(l, 10).Claims
		if len(claims) != 2 || claims[0].ID != ids[1] || claims[0].Failed != 3 || claims[1].Failed != 0 {
			t.Errorf("claims = %+v, want the due one with 3 failures, and the other", claims)
		}
		r.turn(l, 0, claims[0].finish(Complete), claims[1].finish(Complete))
		r.must(r.part.Cancel(r.ctx, ids[0]))
		if raw := r.raw(); len(raw.hashes[colErrors]) > 0 || len(raw.hashes[colCounts]) > 0 {
			t.Errorf("left behind: %v %v", raw.hashes[colErrors], raw.hashes[colCounts])
		}
	})
}

func TestAJobThatEndedElsewhereIsNeverSeenByAWorker(t *testing.T) {
	conform(t, func(r *rig) {
		last := &drayhorse.AttemptError{Attempt: 2, At: time.UnixMilli(1_700_000_000_000), Message: "gave up"}
		ended := func() *NewJob {
			return r.newJob(ownID("ended"), withPast(Past{Failed: 2, Discarded: true, LastError: last}))
		}
		r.wantDuplicates(r.duplicates(ended(), ended()), false, true)
		r.wantDuplicates(r.duplicates(ended()), true)
		if claims := r.turn(r.newLease(), 10).Claims; len(claims) > 0 {
			t.Fatalf("claims = %+v, want none", claims)
		}
		info, err := r.part.Get(r.ctx, "ended")
		r.must(err)
		if info.State != drayhorse.Discarded || info.Attempt != 2 || len(info.Errors) != 1 || info.Errors[0].Message != "gave up" {
			t.Errorf("info = %+v", info)
		}
		r.must(r.part.Retry(r.ctx, "ended"))
		if claims := r.turn(r.newLease(), 10).Claims; len(claims) != 1 || claims[0].Failed != 0 {
			t.Errorf("after a retry claims = %+v, want the job with all its attempts", claims)
		}
	})
}
