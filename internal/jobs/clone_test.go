package jobs

import (
	"fmt"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

// TestCloneOfEveryState makes a job like the first one, which stays as it is.
func TestCloneOfEveryState(t *testing.T) {
	conform(t, func(r *rig) {
		ids := r.inEveryState(r.newLease())
		for state, id := range ids {
			before := r.info(id)
			made, err := r.part.Clone(r.ctx, id)
			r.must(err)
			if after := r.info(id); fmt.Sprint(after) != fmt.Sprint(before) {
				r.t.Errorf("%s: %+v has become %+v", state, before, after)
			}
			clone := r.info(made)
			if clone.State != drayhorse.Available || clone.ID == before.ID || clone.Attempt != 1 || len(clone.Errors) > 0 {
				r.t.Errorf("%s: its clone is %+v", state, clone)
			}
			if clone.Kind != before.Kind || string(clone.Args) != string(before.Args) || clone.MaxAttempts != before.MaxAttempts {
				r.t.Errorf("%s: %+v has the clone %+v", state, before, clone)
			}
		}
		if got := r.turn(r.newLease(), 20); len(got.Claims) != len(ids)+1 {
			r.t.Errorf("%d claims, want the clones of %d and the one that waits", len(got.Claims), len(ids))
		}
	})
}

// TestCloneKeepsSettingsAlone: what a job is unique by, its batch and its schedule are its own.
func TestCloneKeepsSettingsAlone(t *testing.T) {
	conform(t, func(r *rig) {
		j := r.newJob(func(j *NewJob) {
			j.ID, j.Envelope.OwnID, j.In = "mine", true, time.Hour
			e := j.Envelope
			e.Timeout, e.Retain, e.StartWithin = time.Minute, time.Hour, 24*time.Hour
			e.Priority, e.Group, e.Tags = drayhorse.Urgent, "g", []string{"a", "b"}
			e.UniqueKey, e.Fresh, e.DueAt = "0123456789abcdef", time.Hour, time.Now()
			e.Schedule, e.Tick, e.Trace.Parent = "nightly", time.UnixMilli(1), "00-1-2-00"
		})
		r.enqueue(j)
		made, err := r.part.Clone(r.ctx, j.ID)
		r.must(err)
		envelopes, err := r.part.Envelopes(r.ctx, j.ID, made)
		r.must(err)
		first, clone := envelopes[0], envelopes[1]
		want := *first
		want.OwnID, want.UniqueKey, want.Fresh, want.DueAt = false, "", 0, time.Time{}
		want.Schedule, want.Tick, want.Trace, want.EnqueuedAt = "", time.Time{}, drayhorse.Trace{}, clone.EnqueuedAt
		if fmt.Sprint(*clone) != fmt.Sprint(want) {
			r.t.Errorf("the clone is %+v, want %+v", *clone, want)
		}
	})
}

// TestCloneOfWhatIsNotKept says why there can be none.
func TestCloneOfWhatIsNotKept(t *testing.T) {
	conform(t, func(r *rig) {
		_, err := r.part.Clone(r.ctx, PackID("unknown"))
		r.wantError(err, drayhorse.ErrNotFound)
		own := r.newJob(func(j *NewJob) { j.ID, j.Envelope.OwnID = "own", true })
		r.enqueue(own)
		l := r.newLease()
		r.turn(l, 0, r.turn(l, 1).Claims[0].finish(Complete))
		_, err = r.part.Clone(r.ctx, own.ID)
		r.wantError(err, drayhorse.ErrEnded)
		r.setDepth(1)
		id := r.enqueue(r.newJob())[0]
		_, err = r.part.Clone(r.ctx, id)
		r.wantError(err, drayhorse.ErrQueueFull)
	})
}
