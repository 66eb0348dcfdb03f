package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drayhorse/drayhorse"
)

// verdict is what the oracle found, by the keys of the jobs. Lost, Unexpected,
// Duplicated and Faults must be empty; Rerun is allowed, and bounded by each row;
// Recovered tells what became of the calls that failed.
type verdict struct {
	Attempted    int
	Acknowledged int
	Lost         []string // acknowledged, and never ran
	Unexpected   []string // ran, and nobody tried to enqueue it, or was told that it is not stored
	Duplicated   []string // more than one accepted finish
	Rerun        []string // executions beyond those that attempts and snoozes explain
	Recovered    []string // not acknowledged, and ran
	Refused      int      // finishes that Redis did not accept
	Poisoned     []string // given up because its workers died
	Faults       []string // what is wrong with the state in which all ended
}

// valid reports whether nothing was lost, made up or done twice.
func (v *verdict) valid() bool {
	return len(v.Lost)+len(v.Unexpected)+len(v.Duplicated)+len(v.Faults) == 0
}

// story is what the history tells of one job.
type story struct {
	key, kind    string
	attempted    bool
	acknowledged bool
	denied       bool // the last call failed, and said that nothing was stored
	expected     bool // a tick
	wished       bool // somebody tried to cancel it
	executions   []event
	outcomes     map[string]string // by execution
	closed       []event           // its ends by Redis's account
	open         []event
}

// judge reads a history to its end.
func judge(h history) *verdict {
	v := &verdict{}
	stories := map[string]*story{}
	of := func(e event) *story {
		s := stories[e.Key]
		if s == nil {
			s = &story{key: e.Key, outcomes: map[string]string{}}
			stories[e.Key] = s
		}
		if e.Kind != "" {
			s.kind = e.Kind
		}
		return s
	}
	ends, counted := 0, 0
	for _, e := range h {
		switch e.What {
		case attempted:
			of(e).attempted = true
		case acknowledged, known:
			of(e).acknowledged = true
		case rejected:
			of(e).denied = true
		case unsure:
			of(e).denied = false
		case expected:
			of(e).expected = true
		case wished:
			of(e).wished = true
		case began:
			s := of(e)
			s.executions = append(s.executions, e)
		case ended:
			of(e).outcomes[e.Exec] = e.Said
		case closed:
			s := of(e)
			s.closed = append(s.closed, e)
			ends++
		case open:
			s := of(e)
			s.open = append(s.open, e)
		case refused:
			v.Refused++
		case totals:
			counted += e.Attempt
		case stray:
			v.Faults = append(v.Faults, "a key that nothing owns: "+e.Said)
		case fault, dropped, able, unready, usage:
		}
	}
	for _, key := range slices.Sorted(maps.Keys(stories)) {
		stories[key].judge(v)
	}
	if counted != ends {
		v.Duplicated = append(v.Duplicated, fmt.Sprintf("Redis counts %d ends of %d jobs", counted, ends))
	}
	return v
}

func (s *story) judge(v *verdict) {
	if s.attempted || s.expected {
		v.Attempted++
	}
	if s.acknowledged {
		v.Acknowledged++
	}
	ran := len(s.executions) > 0
	switch {
	case (s.acknowledged || s.expected) && !ran && !s.wasCancelled():
		v.Lost = append(v.Lost, s.key)
	case ran && !s.mayRun():
		v.Unexpected = append(v.Unexpected, s.key)
	case ran && s.attempted && !s.acknowledged:
		v.Recovered = append(v.Recovered, s.key)
	}
	for i := 1; i < len(s.closed); i++ {
		v.Duplicated = append(v.Duplicated, s.key)
	}
	for range s.reruns() {
		v.Rerun = append(v.Rerun, s.key)
	}
	s.judgeEnd(v, ran)
}

// mayRun reports whether anybody tried to enqueue the job and was not told that it
// is not stored. A call that was never answered, because its producer died, may have
// happened.
func (s *story) mayRun() bool {
	return s.expected || s.attempted && (s.acknowledged || !s.denied)
}

// wasCancelled reports whether the job ended without a run because somebody wanted
// it to.
func (s *story) wasCancelled() bool {
	return s.wished && slices.ContainsFunc(s.closed, func(e event) bool { return e.Said == string(drayhorse.Cancelled) })
}

// reruns counts the executions beyond the first of each attempt, less those that
// follow a snooze.
func (s *story) reruns() int {
	attempts, snoozed := map[int]bool{}, 0
	for _, e := range s.executions {
		attempts[e.Attempt] = true
		if s.outcomes[e.Exec] == "snoozed" {
			snoozed++
		}
	}
	return max(0, len(s.executions)-len(attempts)-snoozed)
}

// vanished is what is said of a job that Redis has forgotten before its time.
const vanished = "ran and is in no state at the end"

// What the auditor adds to the state of a job that was given up because its workers died,
// and of one whose result Redis had no memory for, which its errors say.
const (
	poisonedMark = "poisoned"
	fullMark     = "full"
)

// judgeEnd looks at how the job ended by Redis's account.
func (s *story) judgeEnd(v *verdict, ran bool) {
	complain := func(format string, args ...any) {
		v.Faults = append(v.Faults, s.key+" ("+s.kind+"): "+fmt.Sprintf(format, args...))
	}
	for _, e := range s.open {
		complain("still %s", e.Said)
	}
	failed := map[int]bool{} // attempts
	for _, e := range s.executions {
		outcome := s.outcomes[e.Exec]
		failed[e.Attempt] = failed[e.Attempt] || outcome == "panicked" || strings.HasPrefix(outcome, "failed")
	}
	for _, e := range s.executions {
		if e.Attempt > 1 && !failing[s.kind] {
			complain("attempt %d of a job that does not fail", e.Attempt)
		} else if e.Attempt > 1 && !failed[e.Attempt-1] {
			complain("attempt %d, and attempt %d did not fail", e.Attempt, e.Attempt-1)
		}
	}
	if len(s.closed) == 0 {
		if ran && len(s.open) == 0 && (s.acknowledged || s.expected) {
			complain(vanished)
		}
		return
	}
	for _, e := range s.closed {
		state, reason, _ := strings.Cut(e.Said, " ")
		if reason == poisonedMark {
			v.Poisoned = append(v.Poisoned, s.key)
		}
		if k, ok := kindOf(s.kind); ok && reason != poisonedMark && !slices.Contains(k.ends, drayhorse.State(state)) {
			complain("ended as %s, want one of %v", state, k.ends)
		}
		if outcome, did := s.outcomes[e.Exec]; e.Exec != "" && (!did || outcome != "completed") {
			complain("its result is of execution %s, which ended as %q", e.Exec, outcome)
		}
		if e.Exec == "" && state == string(drayhorse.Completed) && reason != fullMark {
			complain("completed by nobody")
		}
	}
}
