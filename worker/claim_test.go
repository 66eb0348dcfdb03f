package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

func TestOneTripClaimsFromManySources(t *testing.T) {
	t.Parallel()
	const slots = 63
	s, f := offline(t, slots, slices.Repeat([]int{1}, 40)...)
	for _, src := range s.supply.all() {
		src.expect(2)
	}
	leases := f.plan(time.Now())
	if len(leases) != maxClaimed {
		t.Fatalf("%d turns, want %d", len(leases), maxClaimed)
	}
	seen := map[*source]bool{}
	for i, l := range leases {
		want := 2
		if i == len(leases)-1 {
			want = slots - 2*(maxClaimed-1) // it may have more than is known
		}
		if l.turn.Want != want || l.turn.reserved != want {
			t.Errorf("turn %d wants %d and reserved %d, want %d", i, l.turn.Want, l.turn.reserved, want)
		}
		if l.turn.Bytes != maxClaimBytes/maxClaimed {
			t.Errorf("turn %d asks for %d bytes, want its share of %d", i, l.turn.Bytes, maxClaimBytes)
		}
		seen[l.source] = true
	}
	if len(seen) != maxClaimed || s.capacity.freeSlots() != 0 {
		t.Errorf("%d sources are asked and %d slots left, want %d and none", len(seen), s.capacity.freeSlots(), maxClaimed)
	}
	if again := f.plan(time.Now()); len(again) != 0 {
		t.Errorf("%d turns while those have no answer, want none", len(again))
	}
}

func TestStrictOrderClaimsFromTheHeaviestAlone(t *testing.T) {
	t.Parallel()
	s, f := offline(t, 10, 3, 3, 1)
	s.supply.strict = true
	for _, src := range s.supply.all() {
		src.expect(1)
	}
	leases := f.plan(time.Now())
	if len(leases) != 2 || leases[0].source.weight != 3 || leases[1].source.weight != 3 || leases[1].turn.reserved != 9 {
		t.Errorf("leases = %v, want one for each source of weight 3, the last with what is left of the slots", leases)
	}
}

// end has jobs end under a lease.
func end(l *lease, finishes ...jobs.Finish) {
	for _, f := range finishes {
		e := &execution{claim: jobs.Claim{ID: f.ID}, owner: l}
		l.add([]*execution{e})
		l.report(e, f, nil)
	}
}

// said gives the IDs that the turns of a plan finish.
func said(leases []*lease) (ids []string) {
	for _, l := range leases {
		for _, f := range l.turn.Finishes {
			ids = append(ids, f.ID)
		}
	}
	return ids
}

// TestTurnTakesAlongWhatEnded has jobs end before and while their lease's turn has no
// answer.
func TestTurnTakesAlongWhatEnded(t *testing.T) {
	t.Parallel()
	s, f := offline(t, 10, 1, 1)
	l := f.leaseOf(s.supply.all()[0])
	says := func(want ...string) {
		t.Helper()
		if got := said(f.plan(time.Now())); !slices.Equal(got, want) {
			t.Errorf("the turns finish %q, want %q", got, want)
		}
	}
	complete := func(id string) jobs.Finish { return jobs.Finish{ID: id, Outcome: jobs.Complete} }
	end(l, complete("a"), complete("b"))
	says("a", "b")
	end(l, complete("c"))
	says() // a turn waits for its answer
	f.settle(l, jobs.TurnReply{Turned: &jobs.Turned{}})
	says("c")
}

// TestResultsOfACallHaveABudget: many large results go in many calls, also where they
// ended under several leases.
func TestResultsOfACallHaveABudget(t *testing.T) {
	t.Parallel()
	s, f := offline(t, 10, 1, 1)
	const size, each = maxFinishBytes / 4, 6
	large := make([]byte, size)
	for i, src := range s.supply.all() {
		for j := range each {
			end(f.leaseOf(src), jobs.Finish{ID: fmt.Sprint(i, j), Outcome: jobs.Complete, Keep: true, Result: large})
		}
	}
	total := 0
	for calls := 0; total < 2*each; calls++ {
		leases := f.plan(time.Now())
		n := len(said(leases))
		if n == 0 || n*size > maxFinishBytes {
			t.Fatalf("call %d takes %d results of %d bytes along, want some, of %d bytes at most", calls, n, size, maxFinishBytes)
		}
		total += n
		for _, l := range leases {
			f.settle(l, jobs.TurnReply{Turned: &jobs.Turned{}})
		}
	}
	over := make([]byte, 2*maxFinishBytes)
	end(f.leaseOf(s.supply.all()[0]), jobs.Finish{ID: "over", Result: over}, jobs.Finish{ID: "small"})
	if got := said(f.plan(time.Now())); !slices.Equal(got, []string{"over"}) {
		t.Errorf("the turns finish %q, want one alone that is over the budget", got)
	}
}

// TestUnansweredTurnKeepsNothing: other sources have its slots while it waits to be made
// again.
func TestUnansweredTurnKeepsNothing(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"away":   fmt.Errorf("%w: gone", drayhorse.ErrUnavailable),
		"broken": fmt.Errorf("WRONGTYPE"),
		"newer":  fmt.Errorf("%w: 2", drayhorse.ErrFormat),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, f := offline(t, 10, 1, 1)
			sick, well := s.supply.all()[0], s.supply.all()[1]
			sick.markClaimable()
			l := f.plan(time.Now())[0]
			if l.turn.Want != 10 || s.capacity.freeSlots() != 0 {
				t.Fatalf("the only claimable source is asked for %d jobs, want all 10", l.turn.Want)
			}
			f.settleAll([]*lease{l}, []jobs.TurnReply{{Err: err}})
			if l.turn.Turn == nil || l.turn.Want != 0 || f.isIdle() {
				t.Fatalf("turn = %+v, want it to wait for its answer and claim nothing", l.turn)
			}
			sick.markClaimable()
			well.markClaimable()
			leases := f.plan(time.Now())
			if len(leases) != 1 || leases[0].source != well || leases[0].turn.Want != 10 {
				t.Fatalf("leases = %v, want one that asks the other source for 10 jobs", leases)
			}
			if len(s.fatal) != 0 {
				t.Error("the worker ends though a queue is well")
			}
			// The turn had been made, and claimed: its answer comes late.
			again := f.plan(l.turn.retryAt)
			if !slices.Contains(again, l) {
				t.Fatal("the turn is not made again when its time has come")
			}
			looked := make(chan struct{})
			s.kinds["slow"] = &registration{handler: func(context.Context, *drayhorse.Job[json.RawMessage]) error { <-looked; return nil }}
			envelope := &jobs.Envelope{Kind: "slow", MaxAttempts: 1, EnqueuedAt: time.Now(), Args: []byte("{}")}
			f.settle(l, jobs.TurnReply{Turned: &jobs.Turned{Claims: []jobs.Claim{{ID: "a", Envelope: string(envelope.Encode())}}}})
			if free := s.capacity.free.Load(); free != -1 {
				t.Errorf("%d slots are free after the claim of a slot that others have, want -1", free)
			}
			close(looked)
			s.executors.close()
			s.executors.wait()
		})
	}
}

// TestWorkerEndsWhenAllQueuesAreNewer: there is nothing that it could work on.
func TestWorkerEndsWhenAllQueuesAreNewer(t *testing.T) {
	t.Parallel()
	s, f := offline(t, 10, 1, 1)
	for i, src := range s.supply.all() {
		src.markClaimable()
		f.settleAll(f.plan(time.Now()), []jobs.TurnReply{{Err: fmt.Errorf("%w: 2", drayhorse.ErrFormat)}})
		if ended := len(s.fatal) == 1; ended != (i == 1) {
			t.Errorf("after %d of 2 queues of a newer format the worker ends: %v", i+1, ended)
		}
	}
}

// TestBrokenSourceRestsLongerEachTime: also where the repeat of its turn, which claims
// nothing, succeeds in between.
func TestBrokenSourceRestsLongerEachTime(t *testing.T) {
	t.Parallel()
	s, f := offline(t, 10, 1)
	src := s.supply.all()[0]
	at, last := time.Now(), time.Duration(0)
	for range 6 {
		src.restUntil.Store(0)
		src.markClaimable()
		l := f.plan(at)[0]
		f.settleAll([]*lease{l}, []jobs.TurnReply{{Err: fmt.Errorf("WRONGTYPE")}})
		rests := time.Until(time.Unix(0, src.restUntil.Load()))
		if rests < last/2 || rests > maxBrokenWait {
			t.Errorf("it rests %v after %v", rests, last)
		}
		last = rests
		f.plan(l.turn.retryAt)
		f.settle(l, jobs.TurnReply{Turned: &jobs.Turned{}})
	}
	if last < maxBrokenWait/4 {
		t.Errorf("after six failures it rests %v", last)
	}
}

func TestSourcesArePickedByWeight(t *testing.T) {
	t.Parallel()
	s, _ := offline(t, 1, 6, 6, 3, 1)
	sources := s.supply.all()
	none := func(*source) bool { return false }
	if src := s.supply.pick(none); src != nil || s.supply.any() {
		t.Errorf("picked %v of none", src)
	}
	for _, src := range sources {
		s.supply.add(src)
		s.supply.add(src) // changes nothing
	}
	const n = 16_000
	count, tiers := map[*source]int{}, map[int]int{}
	for i := range n {
		src := s.supply.pick(none)
		count[src]++
		tiers[src.weight]++
		if s.supply.pick(func(*source) bool { return true }) != nil { // which changes nothing
			t.Fatal("picked a source though all are passed over")
		}
		for weight, share := range map[int]int{6: 12, 3: 3, 1: 1} {
			if ahead := 16*tiers[weight] - share*(i+1); ahead < -16 || ahead > 16 {
				t.Fatalf("of the first %d picks %d are of weight %d, want %d of 16, within one", i+1, tiers[weight], weight, share)
			}
		}
	}
	for _, src := range sources {
		want := n * src.weight / 16
		if got := count[src]; got < want*8/10 || got > want*12/10 {
			t.Errorf("a source of weight %d was picked %d of %d times, want about %d", src.weight, got, n, want)
		}
	}
	// The heaviest ones are passed over for a while, and come back to their share, not to what they have missed.
	for range 100 {
		s.supply.pick(func(src *source) bool { return src.weight == 6 })
	}
	heavy := 0
	for range 32 {
		if s.supply.pick(none).weight == 6 {
			heavy++
		}
	}
	if heavy < 23 || heavy > 26 {
		t.Errorf("%d of 32 picks are of the heaviest, want 24", heavy)
	}
	// Once they have nothing the others have all, and do not pay for it later.
	s.supply.remove(sources[0])
	s.supply.remove(sources[1])
	last := 0
	for range 40 {
		if s.supply.pick(none).weight == 1 {
			last++
		}
	}
	if last < 9 || last > 11 {
		t.Errorf("%d of 40 picks are of weight 1 beside weight 3, want 10", last)
	}
	s.supply.add(sources[0])
	s.supply.add(sources[1])
	s.supply.strict = true
	if heaviest := s.supply.pick(none); heaviest.weight != 6 {
		t.Errorf("strict order picked weight %d, want 6", heaviest.weight)
	}
	if src := s.supply.pick(func(src *source) bool { return src.weight == 6 }); src != sources[2] {
		t.Errorf("strict order passed over to weight %d, want 3", src.weight)
	}
	s.supply.remove(sources[0])
	s.supply.remove(sources[0])
	if sources[0].isClaimable() || !sources[1].isClaimable() || s.supply.pick(none) != sources[1] {
		t.Error("a source that has nothing is picked, or took another with it")
	}
	if src := s.supply.pick(func(*source) bool { return true }); src != nil {
		t.Errorf("picked %v though all are passed over", src.part)
	}
	for _, src := range sources {
		s.supply.remove(src)
	}
	if s.supply.any() {
		t.Error("a source is claimable after all were removed")
	}
}

// TestClaimersOfTwoNodesShareTheSlotsByWeight: which node a slot goes to is decided by
// weight, not by who asks.
func TestClaimersOfTwoNodesShareTheSlotsByWeight(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{false, true} {
		s, here := offline(t, 1, 9, 1)
		s.supply.strict = strict
		n := newNode(&s.parts, "there", 1, false)
		there := n.claimer()
		all := []*fetcher{here, there}
		here.others = func() []*fetcher { return all }
		there.others = here.others
		heavy, light := s.supply.all()[0], s.supply.all()[1]
		light.node.Store(&there.addr)
		claims := map[*source]int{}
		const rounds = 1000
		for i := range rounds {
			heavy.markClaimable()
			light.markClaimable()
			for turn := i; ; turn++ { // both are woken until one of them claims
				f := all[turn%2]
				if leases := f.plan(time.Now()); len(leases) > 0 {
					claims[leases[0].source]++
					f.settle(leases[0], jobs.TurnReply{Turned: &jobs.Turned{}})
					break
				}
			}
		}
		least, most := rounds/20, rounds/5
		if strict {
			least, most = 0, 0
		}
		if got := claims[light]; got < least || got > most {
			t.Errorf("strict %v: the lighter one got %d of %d slots, want %d to %d", strict, got, rounds, least, most)
		}
		s.capacity.take(1, 0)
		select {
		case <-there.wakeup:
		default:
		}
		if leases := here.plan(time.Now()); len(leases) != 0 || len(there.wakeup) != 0 {
			t.Error("a claimer without room claims, or wakes the other one")
		}
	}
}
