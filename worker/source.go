package worker

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
)

const (
	// unknown is how many jobs are expected where that is not known.
	unknown = jobs.MaxClaims
	// brokenWait is how long, at first, a partition is left alone after an error
	// that is not Redis being away, such as a key of the wrong type; maxBrokenWait is
	// how long in the end.
	brokenWait    = time.Second
	maxBrokenWait = 15 * time.Second
)

// source is a partition that the worker claims from, and what is known of it.
type source struct {
	supply *supply
	part   *jobs.Partition
	weight int
	node   atomic.Pointer[string] // the address of the Redis node that it is on; "" where it is no Cluster

	unreachable atomic.Bool              // the last call about it had no answer
	restUntil   atomic.Int64             // Unix ns: it is broken, and left alone until then
	listener    atomic.Pointer[listener] // that waits for its bell; nil: none does
	suspects    atomic.Int64             // that wait for a trial, as far as is known
	newer       atomic.Bool              // its data are of a newer storage format
	rescuing    atomic.Bool              // its dead leases are being dealt with
	groups      ranGroups

	// Of supply, under its mutex.
	tier *tier
	at   int // among the tier's claimable sources; -1: it is none of them

	mu       sync.Mutex
	expected int      // jobs to claim, as far as is known; guessed low it costs one more turn
	lanes    []string // kinds served here for which jobs are parked
	due      *time.Timer
	broken   redis.Backoff
}

func newSource(s *supply, p *jobs.Partition, weight int) *source {
	src := &source{supply: s, part: p, weight: weight, at: -1, broken: redis.NewBackoff(brokenWait, maxBrokenWait)}
	src.node.Store(new(string))
	src.due = time.AfterFunc(time.Hour, src.markClaimable)
	src.due.Stop()
	return src
}

// isOn reports whether the source is on the node of that address.
func (s *source) isOn(addr string) bool { return *s.node.Load() == addr }

// markClaimable notes that there is something to claim, nobody knows how much.
func (s *source) markClaimable() { s.expect(unknown) }

// expect notes that there are jobs to claim.
func (s *source) expect(n int) {
	s.mu.Lock()
	s.expected = n
	s.mu.Unlock()
	s.supply.add(s)
	s.supply.onClaimable(s)
}

// markQuiet notes that there is nothing to claim for now.
func (s *source) markQuiet() {
	s.supply.remove(s)
	s.supply.onQuiet(s)
}

// isClaimable reports whether there seems to be something to claim.
func (s *source) isClaimable() bool { return s.supply.has(s) }

// isResting reports whether the source is to be left alone.
func (s *source) isResting(now time.Time) bool {
	return s.unreachable.Load() || now.UnixNano() < s.restUntil.Load()
}

// rest has the source left alone for a while after a failure, longer each time, and
// says for how long.
func (s *source) rest() time.Duration {
	s.mu.Lock()
	wait := s.broken.Next()
	s.mu.Unlock()
	s.restUntil.Store(time.Now().Add(wait).UnixNano())
	return wait
}

// claimable gives how many jobs to ask for, and the lanes to ask first.
func (s *source) claimable() (expected int, lanes []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.expected, s.lanes
}

// noteSuspects notes how many suspects wait for a trial.
func (s *source) noteSuspects(n int) {
	was := s.suspects.Swap(int64(n)) > 0
	switch {
	case n > 0 && !was:
		s.supply.suspected.Add(1)
	case n == 0 && was:
		s.supply.suspected.Add(-1)
	}
}

// applyTurn takes in the answer to a turn: whether to come back at once, and when the
// next job is due.
func (s *source) applyTurn(asked *jobs.Turn, t *jobs.Turned) {
	s.unreachable.Store(false)
	s.noteSuspects(t.Suspects)
	wanted, lanes := asked.Want > 0, t.Lanes
	if len(asked.Lanes) > 0 && len(t.Claims) == 0 {
		// What is parked for a kind served here could not be claimed, say because the
		// queue is paused: a look or a bell says when it can.
		lanes = nil
	} else if len(t.Lanes) >= jobs.MaxLanes {
		lanes = append(slices.Clone(asked.Lanes), lanes...) // not all were named
	}
	expected := s.apply(t.Left, lanes, t.NextDue, t.Now)
	if wanted {
		s.mu.Lock()
		s.broken.Reset()
		s.mu.Unlock()
	}
	switch {
	case expected > 0:
		s.supply.add(s)
	case wanted:
		s.supply.remove(s)
	}
	if !s.isClaimable() {
		s.supply.onQuiet(s)
	}
}

// applyObservation takes in a look at the partition.
func (s *source) applyObservation(o *jobs.Observation) {
	expected := s.apply(o.Ready, o.Lanes, o.NextDue, o.Now)
	if o.Paused {
		s.noteSuspects(0) // until it is not any more
		return
	}
	s.noteSuspects(o.Suspects)
	switch {
	case expected > 0:
		s.expect(expected)
	case o.Suspects > 0:
		s.supply.onClaimable(s)
	}
}

// apply takes in what is to be claimed: jobs in line, those that are parked, and the
// one due next, at the time now. It gives how many there are as far as that tells.
func (s *source) apply(ready int, lanes []string, due, now time.Time) int {
	lanes = s.supply.served(lanes)
	wait := due.Sub(now)
	expected := ready
	if len(lanes) > 0 || (!due.IsZero() && wait <= 0) {
		expected = unknown
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expected, s.lanes = expected, lanes
	s.schedule(due, wait)
	return expected
}

// schedule sets the alarm for the job that is due next. Callers hold mu.
func (s *source) schedule(due time.Time, wait time.Duration) {
	if due.IsZero() {
		s.due.Stop()
		return
	}
	if wait > 0 {
		s.due.Reset(wait)
	}
}
