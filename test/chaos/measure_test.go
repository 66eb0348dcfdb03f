package chaos

import (
	"time"
)

// Figures that rows read from the history.

// held gives the executions that a process had begun and not ended at a time.
func (h history) held(who string, at time.Time) map[string]event {
	running := map[string]event{}
	for _, e := range h {
		if e.Who != who || e.At.After(at) {
			continue
		}
		switch e.What {
		case began:
			running[e.Exec] = e
		case ended:
			delete(running, e.Exec)
		}
	}
	return running
}

// takenOver gives how long after a time the last of the jobs that a process held
// began anew elsewhere, and how many did not.
func (h history) takenOver(who string, at time.Time) (took time.Duration, held, missing int) {
	jobs := h.held(who, at)
	unwanted := map[string]bool{} // a cancel ends them without a run
	for _, e := range h.of(wished) {
		unwanted[e.Key] = true
	}
	for _, victim := range jobs {
		if unwanted[victim.Key] {
			continue
		}
		again := h.where(func(e event) bool {
			return e.What == began && e.Key == victim.Key && e.At.After(at) && e.Who != who
		})
		if len(again) == 0 {
			missing++
			continue
		}
		took = max(took, again[0].At.Sub(at))
	}
	return took, len(jobs), missing
}

// next gives how long after a time the first event of a sort came; negative: none.
func (h history) next(w what, at time.Time) time.Duration {
	for _, e := range h {
		if e.What == w && e.At.After(at) {
			return e.At.Sub(at)
		}
	}
	return -1
}

// gap is the longest time between two events of a sort from one time to another.
func (h history) gap(w what, from, to time.Time) time.Duration {
	longest, last := time.Duration(0), from
	for _, e := range h {
		if e.What == w && e.At.After(from) && e.At.Before(to) {
			longest, last = max(longest, e.At.Sub(last)), e.At
		}
	}
	return max(longest, to.Sub(last))
}

// finishedTwice gives the keys of the jobs that more than one execution completed.
func (h history) finishedTwice() []string {
	completions, twice := map[string]int{}, []string(nil)
	for _, e := range h {
		if e.What == ended && e.Said == "completed" {
			if completions[e.Key]++; completions[e.Key] == 2 {
				twice = append(twice, e.Key)
			}
		}
	}
	return twice
}

// resumed gives how long after a time producers were acknowledged and handlers ran
// again, whichever took longer; negative: one of them never did.
func (h history) resumed(at time.Time) time.Duration {
	acks, runs := h.next(acknowledged, at), h.next(began, at)
	if acks < 0 || runs < 0 {
		return -1
	}
	return max(acks, runs)
}
