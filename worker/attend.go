package worker

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
)

const (
	// attendFor is how long one wait in attendance lasts.
	attendFor = 2 * time.Second
	// attendAfter is how long after its last claim a worker goes on attending. A
	// longer idleness is left to the listeners, which cost Redis less.
	attendAfter = 4 * time.Second
	// maxAttended is how many lines can be attended: each wait ends with a turn on
	// all of them.
	maxAttended = 8
)

// attend has an idle fetcher wait at the bells itself and claim in the same round
// trip: whoever is woken first and asks then takes twice as long to start a job. One
// fetcher does so at a time, and while it waits it has all free slots. It reports
// false if there is nothing to attend or somebody does.
func (f *fetcher) attend(ctx context.Context) bool {
	s := f.session
	if !f.mayAttend() || !s.attendant.CompareAndSwap(nil, f) {
		return false
	}
	waited := false
	for ctx.Err() == nil && f.mayAttend() {
		holdings := f.reserve()
		if len(holdings) == 0 {
			break
		}
		waited = true
		f.awaitAndSettle(ctx, holdings)
	}
	s.attendant.Store(nil)
	s.calmed(s.listeners...)
	return waited
}

// calmed has somebody wait at the bells, now that there may be a reason to: an idle
// fetcher, or the listeners that are concerned.
func (s *session) calmed(listeners ...*listener) {
	if s.attendant.Load() != nil {
		return
	}
	if s.attentive() {
		if i := slices.IndexFunc(s.fetchers[1:], (*fetcher).idle); i >= 0 {
			s.fetchers[1+i].rouse()
		}
	}
	for _, l := range listeners {
		l.calmed()
	}
}

// mayAttend reports whether the fetcher has nothing else to do, and there is nothing
// to claim.
func (f *fetcher) mayAttend() bool {
	s := f.session
	return f.index > 0 && !s.isClosing() && s.attentive() && s.slots.any() && !s.hot.any() && f.empty()
}

// attentive reports whether fetchers attend at all.
func (s *session) attentive() bool {
	now := time.Now()
	return !s.client.IsCluster() && len(s.lines) <= maxAttended &&
		now.Sub(time.Unix(0, s.claimed.Load())) < attendAfter && now.UnixNano() >= s.deafUntil.Load()
}

// attended reports whether a fetcher attends, or is about to.
func (s *session) attended() bool {
	return s.attentive() && slices.ContainsFunc(s.fetchers[1:], (*fetcher).idle)
}

// reserve shares all free slots out among the lines and has a turn for each ask for
// them. One of them may claim a suspect; it is another one every time.
func (f *fetcher) reserve() []*holding {
	s := f.session
	var holdings []*holding
	now := time.Now()
	for i := range s.lines {
		l := s.lines[(i+f.peeked)%len(s.lines)]
		left := len(s.lines) - i
		n := s.slots.take((int(s.slots.free.Load()) + left - 1) / left)
		if n == 0 {
			break
		}
		h := f.hold(l)
		h.asked, h.reserved = now, n
		h.suspect = i == 0 && s.suspect.CompareAndSwap(false, true)
		_, lanes := l.claimable()
		h.pending = &jobs.Turn{Lease: h.Lease, Want: min(n, jobs.MaxClaims), Suspect: h.suspect, Lanes: lanes}
		holdings = append(holdings, h)
	}
	f.peeked++
	return holdings
}

// awaitAndSettle makes one wait and takes in what the turns after it came to.
func (f *fetcher) awaitAndSettle(ctx context.Context, holdings []*holding) {
	s := f.session
	replies, err := s.engine.WaitAndTurn(context.WithoutCancel(ctx), f.name(), attendFor, pending(holdings)...)
	s.nudged.Store(false)
	f.settleAll(ctx, holdings, replies)
	runtime.Gosched() // handlers begin before anything else is done
	if err != nil && !errors.Is(err, drayhorse.ErrUnavailable) {
		s.log.ErrorContext(s.base, "bells cannot be heard", slog.String(logs.Error, err.Error()))
		s.deafUntil.Store(time.Now().Add(brokenWait).UnixNano())
	}
}

// nudge ends the wait of the attendant, if there is one: it is to give back its slots.
func (s *session) nudge() {
	f := s.attendant.Load()
	if f == nil || !s.nudged.CompareAndSwap(false, true) {
		return
	}
	if err := s.engine.Nudge(s.base, f.name()); err != nil {
		s.log.DebugContext(s.base, "nudge failed", slog.String(logs.Error, err.Error())) // the wait ends by itself
	}
}
