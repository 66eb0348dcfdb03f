package jobs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

// TestEditChangesArgumentsAlone, of jobs that wait in whatever way.
func TestEditChangesArgumentsAlone(t *testing.T) {
	conform(t, func(r *rig) {
		for name, change := range map[string]func(*NewJob){
			"available": func(*NewJob) {},
			"scheduled": func(j *NewJob) { j.In = time.Hour },
			"urgent":    func(j *NewJob) { j.Envelope.Priority = drayhorse.Urgent },
			"tagged":    func(j *NewJob) { j.Envelope.Tags = []string{"a", "b"} },
			"own id":    func(j *NewJob) { j.ID, j.Envelope.OwnID = "mine", true },
		} {
			j := r.newJob(change)
			r.enqueue(j)
			before := r.info(j.ID)
			for _, args := range []string{`{"edited":true}`, `"` + strings.Repeat("x", 2*largeEnvelope) + `"`, "1"} {
				for range 2 { // a repeat changes nothing
					r.must(r.part.EditArgs(r.ctx, j.ID, []byte(args)))
				}
				after := r.info(j.ID)
				if string(after.Args) != args {
					r.t.Errorf("%s: arguments %.50s, want %.50s", name, after.Args, args)
				}
				after.Args = before.Args
				if fmt.Sprint(after) != fmt.Sprint(before) {
					r.t.Errorf("%s: %+v has become %+v", name, before, after)
				}
			}
		}
		got := r.turn(r.newLease(), 10)
		for _, claim := range got.Claims {
			if e, err := DecodeEnvelope(claim.Envelope); err != nil || string(e.Args) != "1" {
				r.t.Errorf("claimed with %+v, %v", e, err)
			}
		}
		if len(got.Claims) != 4 {
			r.t.Errorf("%d claims, want all but the one that is scheduled", len(got.Claims))
		}
	})
}

// TestEditOfWhatDoesNotWait says why, and changes nothing.
func TestEditOfWhatDoesNotWait(t *testing.T) {
	conform(t, func(r *rig) {
		ids := r.inEveryState(r.newLease())
		before := fmt.Sprint(r.raw())
		for state, want := range map[drayhorse.State]error{
			drayhorse.Running: drayhorse.ErrRunning, drayhorse.Completed: drayhorse.ErrEnded, drayhorse.Cancelled: drayhorse.ErrEnded, drayhorse.Discarded: drayhorse.ErrEnded,
		} {
			r.wantError(r.part.EditArgs(r.ctx, ids[state], []byte("1")), want)
		}
		r.wantError(r.part.EditArgs(r.ctx, "none", []byte("1")), drayhorse.ErrNotFound)
		if after := fmt.Sprint(r.raw()); after != before {
			r.t.Errorf("something was done:\n%s\n%s", before, after)
		}
		r.must(r.part.EditArgs(r.ctx, ids[drayhorse.Retryable], []byte("1")))
		if got := r.info(ids[drayhorse.Retryable]); string(got.Args) != "1" || got.State != drayhorse.Retryable || got.Attempt != 2 {
			r.t.Errorf("a job that waits for its next attempt: %+v", got)
		}
	})
}

// TestEditOfWhatHasChanged is made of what there is then.
func TestEditOfWhatHasChanged(t *testing.T) {
	conform(t, func(r *rig) {
		j := r.newJob()
		r.enqueue(j)
		_, err := r.part.run(r.ctx, editScript, j.ID, "another", "x", 0)
		r.wantError(err, errChanged)
		if got := r.info(j.ID); string(got.Args) != string(j.Envelope.Args) {
			r.t.Errorf("arguments %s", got.Args)
		}
	})
}
