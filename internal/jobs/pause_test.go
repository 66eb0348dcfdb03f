package jobs

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/drayhorse/drayhorse"
)

// TestOtherKindsPassOneThatIsPaused: thousands of a paused kind are in front of one job of
// another kind. Each turn sets 250 aside; then there is nothing left to be told of.
// Resumed, they are claimed in their order.
func TestOtherKindsPassOneThatIsPaused(t *testing.T) {
	t.Parallel()
	r := newRig(t, sharedURL(t), 1)
	const n = 5000
	var waiting []string
	for range n / 1000 {
		news := make([]*NewJob, 1000)
		for i := range news {
			news[i] = r.newJob(kind("stuck"))
		}
		waiting = append(waiting, r.enqueue(news...)...)
	}
	other := r.enqueue(r.newJob(kind("free")))
	r.must(r.part.Pause(r.ctx, Pause{Kind: "stuck", By: "ann", Why: "their API is down"}))
	l := r.newLease()
	var turned *Turned
	turns := 1
	for ; turns <= n/250+1; turns++ {
		if turned = r.turn(l, 10); len(turned.Claims) > 0 {
			break
		}
	}
	if len(turned.Claims) != 1 || turned.Claims[0].ID != other[0] {
		t.Fatalf("%d claims after %d turns; want the job of the other kind", len(turned.Claims), turns)
	}
	if turned = r.turn(l, 10); turned.Left != 0 || len(turned.Lanes) != 0 || !turned.NextDue.IsZero() || len(turned.Claims) != 0 {
		t.Errorf("%+v; want nothing to do", turned)
	}
	if o := r.Observe(r.ctx, r.part)[0]; o.Ready != 0 || len(o.Lanes) != 0 || !o.NextDue.IsZero() {
		t.Errorf("a look sees %+v; want nothing to do", o)
	}
	s := r.summary()
	if len(s.Pauses) != 1 || s.Held != n || s.Parked != 0 || s.Available != n {
		t.Fatalf("%+v; want %d jobs held", s, n)
	}
	if p := s.Pauses[0]; p.Kind != "stuck" || p.By != "ann" || p.Why != "their API is down" || p.Held != n || p.At.IsZero() {
		t.Errorf("pause %+v", p)
	}
	if info, err := r.part.Get(r.ctx, waiting[0]); err != nil || info.State != drayhorse.Available || info.Parked || info.Attempt != 1 {
		t.Errorf("%+v, %v; want it available at its first attempt", info, err)
	}
	late := r.enqueue(r.newJob(kind("stuck")))
	r.must(r.part.Resume(r.ctx, Pause{Kind: "stuck"}))
	if turned = r.turn(l, 0); !slices.Equal(turned.Lanes, []string{"stuck"}) {
		t.Fatalf("lanes %q; want the kind that goes on", turned.Lanes)
	}
	if turned = r.turn(l, 3); len(turned.Claims) != 0 {
		t.Errorf("%d were claimed before those that are aside", len(turned.Claims))
	}
	var got []string
	for len(got) < n+1 {
		reply := r.RunTurns(r.ctx, &Turn{Lease: l, Want: MaxClaims, Lanes: []string{"stuck"}})[0]
		r.must(reply.Err)
		if len(reply.Claims) == 0 {
			t.Fatalf("%d of %d claimed", len(got), n+1)
		}
		for _, c := range reply.Claims {
			got = append(got, c.ID)
		}
	}
	if !slices.Equal(got, append(waiting, late...)) {
		t.Error("they are not claimed in their order")
	}
}

// TestPausedKindsAreBounded.
func TestPausedKindsAreBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, sharedURL(t), 1)
	for i := range 100 {
		r.must(r.part.Pause(r.ctx, Pause{Kind: fmt.Sprint("k", i)}))
	}
	if err := r.part.Pause(r.ctx, Pause{Kind: "more"}); !errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("the 101st: %v; want ErrInvalid", err)
	}
	r.must(r.part.Pause(r.ctx, Pause{Kind: "k7", Why: "again"}))
	r.must(r.part.Pause(r.ctx, Pause{Why: "all"}))
	r.must(r.part.Resume(r.ctx, Pause{Kind: "k8"}))
	r.must(r.part.Pause(r.ctx, Pause{Kind: "more"}))
	if s := r.summary(); len(s.Pauses) != 101 || s.Pauses[0].Kind != "" || s.Pauses[0].Why != "all" || !s.Paused {
		t.Errorf("%d pauses, the first %+v", len(s.Pauses), s.Pauses[0])
	}
}
