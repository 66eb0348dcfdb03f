package jobs

import (
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

func TestInspectTellsEverything(t *testing.T) {
	conform(t, func(r *rig) {
		ids := r.inEveryState(r.newLease())
		all := []string{"", "unknown"}
		for _, state := range drayhorse.States() {
			all = append(all, ids[state])
		}
		infos, err := r.part.Inspect(r.ctx, all...)
		r.must(err)
		if infos[0] != nil || infos[1] != nil {
			r.t.Errorf("unknown ids gave %+v and %+v", infos[0], infos[1])
		}
		for i, state := range drayhorse.States() {
			info := infos[i+2]
			if info.State != state || info.Kind != "test" || info.Queue != "q" || info.MaxAttempts != 25 || string(info.Args) != `{"n":1}` {
				r.t.Errorf("%s: %+v", state, info)
			}
			waits := state == drayhorse.Scheduled || state == drayhorse.Retryable
			if !info.DueAt.IsZero() != waits || info.FinishedAt.IsZero() == state.Ended() {
				r.t.Errorf("%s: due at %v, finished at %v", state, info.DueAt, info.FinishedAt)
			}
			if info.ID != UnpackID(ids[state]) || len(info.ID) != 36 {
				r.t.Errorf("id = %q", info.ID)
			}
		}
	})
}

func TestInspectTellsWhatIsParked(t *testing.T) {
	conform(t, func(r *rig) {
		ids := r.enqueue(r.newJob(), r.newJob())
		l := r.newLease()
		claim := r.turn(l, 1).Claims[0]
		r.turn(l, 0, claim.finish(Divert, func(f *Finish) { f.Lane = "test" }))
		for i, parked := range []bool{true, false} {
			if info := r.info(ids[i]); info.Parked != parked || info.State != drayhorse.Available {
				r.t.Errorf("job %d: %+v, want it available and parked: %v", i, info, parked)
			}
		}
		again := r.newLease()
		turn := &Turn{Lease: again, Want: 1, Lanes: []string{"test"}}
		r.must(r.RunTurns(r.ctx, turn)[0].Err)
		if info := r.info(ids[0]); info.Parked || info.State != drayhorse.Running {
			r.t.Errorf("%+v, want it running and parked no more", info)
		}
	})
}

func TestInspectOfNothing(t *testing.T) {
	conform(t, func(r *rig) {
		infos, err := r.part.Inspect(r.ctx)
		if infos != nil || err != nil {
			r.t.Errorf("got %v, %v", infos, err)
		}
		_, err = r.part.Get(r.ctx, "nothing")
		r.wantError(err, drayhorse.ErrNotFound)
		if err == nil || !strings.Contains(err.Error(), "nothing") {
			r.t.Errorf("error %v does not name the job", err)
		}
	})
}

func TestInspectOfAMalformedRecord(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob(retained))[0]
		l := r.newLease()
		r.turn(l, 0, r.finishAll(r.turn(l, 1), Complete)...)
		for _, record := range []string{"", "nonsense", "completed|1|0|0|9|0|", "running|1|0|0|0|0|"} {
			r.must(r.client.HSet(r.ctx, r.part.key(colArchive), id, record).Err())
			if info := r.info(id); info.State != drayhorse.Discarded || len(info.Errors) != 1 {
				r.t.Errorf("record %q: %+v, want discarded with an error that says so", record, info)
			}
		}
		r.must(r.client.HSet(r.ctx, r.part.key(colArchive), id, "nonsense").Err())
		r.wantError(r.part.Retry(r.ctx, id), drayhorse.ErrNotFound)
		r.must(r.part.Delete(r.ctx, id))
	})
}

func TestResultComesBack(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob(retained))[0]
		l := r.newLease()
		start := r.summary().Now
		result := []byte(`{"a|b":"` + strings.Repeat("|1|2:", 1000) + `"}`)
		r.turn(l, 0, r.turn(l, 1).Claims[0].finish(Complete, func(f *Finish) { f.Result = result }))
		info := r.info(id)
		if string(info.Result) != string(result) || info.FinishedAt.Before(start.Truncate(time.Millisecond)) {
			r.t.Errorf("result of %d bytes at %v, want %d bytes", len(info.Result), info.FinishedAt, len(result))
		}
	})
}

// TestWorkerOfARunningJob is known while it runs.
func TestWorkerOfARunningJob(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob(retained))[0]
		l := NewLease(r.part, "worker-7.1.23")
		claim := r.turn(l, 1).Claims[0]
		if info := r.info(id); info.Worker != "worker-7" {
			r.t.Errorf("runs on %q", info.Worker)
		}
		r.turn(l, 0, claim.finish(Complete))
		if info := r.info(id); info.Worker != "" {
			r.t.Errorf("completed, and runs on %q", info.Worker)
		}
	})
}
