package worker

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

func TestOneTripClaimsFromManyLines(t *testing.T) {
	t.Parallel()
	const slots = pairSlots - 1 // one fetcher claims all
	s, f := offline(t, slots, slices.Repeat([]int{1}, 40)...)
	for _, l := range s.lines {
		l.expect(2)
	}
	turns := f.plan()
	if len(turns) != maxClaimed {
		t.Fatalf("%d turns, want %d", len(turns), maxClaimed)
	}
	seen := map[*line]bool{}
	for i, h := range turns {
		want := 2
		if i == len(turns)-1 {
			want = slots - 2*(maxClaimed-1) // it may have more than is known
		}
		if h.pending.Want != want || h.reserved != want {
			t.Errorf("turn %d wants %d and reserved %d, want %d", i, h.pending.Want, h.reserved, want)
		}
		if h.pending.Suspect != (i == 0) {
			t.Errorf("turn %d may claim a suspect: %v; one of them may", i, h.pending.Suspect)
		}
		seen[h.line] = true
	}
	if len(seen) != maxClaimed || s.slots.any() {
		t.Errorf("%d lines are asked and %d slots left, want %d and none", len(seen), s.slots.free.Load(), maxClaimed)
	}
	if again := f.plan(); len(again) != 0 {
		t.Errorf("%d turns while those have no answer, want none", len(again))
	}
}

// TestTwoFetchersShareManySlots: while one waits for Redis the other has something to do.
func TestTwoFetchersShareManySlots(t *testing.T) {
	t.Parallel()
	s, first := offline(t, pairSlots+1, 1, 1)
	second, third := newFetcher(s, 1), newFetcher(s, 2)
	s.fetchers = []*fetcher{first, second, third}
	s.lines[0].expect(2)
	s.lines[1].expect(1000)
	wants := func(f *fetcher) (n int) {
		for _, h := range f.plan() {
			n += h.pending.Want
		}
		return n
	}
	if got := []int{wants(third), wants(first), wants(second)}; !slices.Equal(got, []int{0, pairSlots/2 + 1, pairSlots / 2}) {
		t.Errorf("the third fetcher asks for %d jobs, the first for %d, the second for %d", got[0], got[1], got[2])
	}
	s.far.Store(true) // then each asks for all that it can have
	s.slots.give(10)
	if got := wants(third); got != 10 {
		t.Errorf("where Redis is far the third fetcher asks for %d jobs, want 10", got)
	}
}

func TestStrictOrderClaimsFromTheHeaviestAlone(t *testing.T) {
	t.Parallel()
	s, f := offline(t, 10, 3, 3, 1)
	s.cfg.StrictOrder = true
	for _, l := range s.lines {
		l.expect(1)
	}
	turns := f.plan()
	if len(turns) != 2 || turns[0].line.weight != 3 || turns[1].line.weight != 3 || turns[1].reserved != 9 {
		t.Errorf("turns = %v, want one for each line of weight 3, the last with what is left of the slots", turns)
	}
}

// TestTurnTakesAlongWhatFinished has jobs finish before and while their lease's turn
// has no answer.
func TestTurnTakesAlongWhatFinished(t *testing.T) {
	t.Parallel()
	s, f := offline(t, 10, 1, 1)
	h := f.hold(s.lines[0])
	finish := func(id string) {
		e := newExecution(h, &jobs.Claim{ID: id})
		h.add([]*execution{e})
		h.done(e, jobs.Finish{ID: id, Outcome: jobs.Complete}, nil)
	}
	says := func(want ...string) {
		t.Helper()
		var got []string
		for _, h := range f.plan() {
			for _, f := range h.pending.Finishes {
				got = append(got, f.ID)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the turns finish %q, want %q", got, want)
		}
	}
	finish("a")
	finish("b")
	says("a", "b")
	finish("c")
	says() // a turn waits for its answer
	f.settle(answer{h, jobs.TurnReply{Turned: &jobs.Turned{}}})
	says("c")
}

// TestUnansweredTurnKeepsNoSlots: other lines have them while one is away.
func TestUnansweredTurnKeepsNoSlots(t *testing.T) {
	t.Parallel()
	s, f := offline(t, 10, 1, 1)
	away, other := s.lines[0], s.lines[1]
	away.heat()
	h := f.plan()[0]
	if h.pending.Want != 10 || s.slots.any() {
		t.Fatalf("the only hot line is asked for %d jobs, want all 10", h.pending.Want)
	}
	ended, end := context.WithCancel(t.Context())
	end() // nobody makes the turn again: the test does
	f.settleAll(ended, []*holding{h}, []jobs.TurnReply{{Err: fmt.Errorf("%w: gone", drayhorse.ErrUnavailable)}})
	s.loops.Wait()
	if h.pending.Want != 0 || f.empty() {
		t.Errorf("the turn wants %d jobs and is forgotten: %v; want none, and to wait for its answer", h.pending.Want, f.empty())
	}
	away.heat()
	other.heat()
	turns := f.plan()
	if len(turns) != 1 || turns[0].line != other || turns[0].pending.Want != 10 {
		t.Fatalf("turns = %v, want one that asks the other line for 10 jobs", turns)
	}
	// The turn had been made, and claimed: its answer comes late.
	envelope := &jobs.Envelope{Kind: "none", MaxAttempts: 1, EnqueuedAt: time.Now(), Args: []byte("{}")}
	claims := []jobs.Claim{{ID: "a", Envelope: string(envelope.Encode())}}
	if open := f.deliver([]answer{{h, jobs.TurnReply{Turned: &jobs.Turned{Claims: claims}}}}); open != nil || len(f.wake) != 1 {
		t.Error("the answer is not delivered, or the fetcher does not hear of it")
	}
	f.plan()
	if free := s.slots.free.Load(); free != -1 || f.empty() || f.unanswered != 0 {
		t.Errorf("%d slots are free after the claim of a slot that others have, want -1", free)
	}
}

func TestHotLinesArePickedByWeight(t *testing.T) {
	t.Parallel()
	s, _ := offline(t, 1, 6, 6, 3, 1)
	none := func(*line) bool { return false }
	if l := s.hot.pick(false, none); l != nil || s.hot.any() {
		t.Errorf("picked %v of none", l)
	}
	for _, l := range s.lines {
		s.hot.add(l)
		s.hot.add(l) // changes nothing
	}
	const n = 16_000
	count := map[*line]int{}
	for range n {
		count[s.hot.pick(false, none)]++
	}
	for _, l := range s.lines {
		want := n * l.weight / 16
		if got := count[l]; got < want*8/10 || got > want*12/10 {
			t.Errorf("a line of weight %d was picked %d of %d times, want about %d", l.weight, got, n, want)
		}
	}
	heaviest := s.hot.pick(true, none)
	if heaviest.weight != 6 {
		t.Errorf("strict order picked weight %d, want 6", heaviest.weight)
	}
	if l := s.hot.pick(true, func(l *line) bool { return l.weight == 6 }); l != s.lines[2] {
		t.Errorf("strict order passed over to weight %d, want 3", l.weight)
	}
	s.hot.remove(s.lines[0])
	s.hot.remove(s.lines[0])
	if s.lines[0].isHot() || !s.lines[1].isHot() || s.hot.pick(true, none) != s.lines[1] {
		t.Error("a line that cooled down is picked, or took another with it")
	}
	if l := s.hot.pick(false, func(*line) bool { return true }); l != nil {
		t.Errorf("picked %v though all are passed over", l.part)
	}
	for _, l := range s.lines {
		s.hot.remove(l)
	}
	if s.hot.any() {
		t.Error("a line is hot after all were removed")
	}
}
