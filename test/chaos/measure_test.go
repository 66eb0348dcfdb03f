package chaos

import (
	"time"

	"github.com/drayhorse/drayhorse/internal/redistest"
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

// failedSince gives the keys of the jobs whose first call came after a time and failed.
func (h history) failedSince(at time.Time) []string {
	var keys []string
	since := map[string]bool{}
	for _, e := range h {
		switch {
		case e.What == attempted && e.At.After(at):
			since[e.Key] = true
		case e.What == unsure && since[e.Key]:
			keys = append(keys, e.Key)
		}
	}
	return keys
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

// resumed gives how long after a time the last of the processes did its work again: each
// worker began a job, and each producer that had one to enqueue was acknowledged.
// Negative: one of them never was.
func (h history) resumed(at time.Time) time.Duration {
	waiting, longest := map[string]bool{}, time.Duration(0)
	for _, e := range h {
		if e.What == began && e.At.Before(at) || e.What == attempted && e.At.After(at) {
			waiting[e.Who] = true
		}
	}
	for _, e := range h {
		if waiting[e.Who] && e.At.After(at) && (e.What == began || e.What == acknowledged) {
			delete(waiting, e.Who)
			longest = max(longest, e.At.Sub(at))
		}
	}
	if len(waiting) > 0 {
		return -1
	}
	return longest
}

// onTheWay is for how long the end of an execution may be unknown to Redis. In the smoke
// the disk on which the end is written down first may be busy.
func onTheWay() time.Duration {
	if isSmoke() {
		return redistest.Stretch * 500 * time.Millisecond
	}
	return 500 * time.Millisecond
}

// inFlight gives the keys of the jobs that a process may have held from one time to
// another: it had begun them by then, and Redis need not have known of their end.
func (h history) inFlight(who string, from, to time.Time) map[string]bool {
	keys := map[string]bool{}
	for _, e := range h.held(who, to) {
		keys[e.Key] = true
	}
	for _, e := range h {
		if e.Who == who && e.What == ended && e.At.After(from.Add(-onTheWay())) && e.At.Before(to) {
			keys[e.Key] = true
		}
	}
	return keys
}

// usurped gives the keys of the jobs that a process held at a time, that began anew
// elsewhere, and whose record is of the execution that was given up.
func (h history) usurped(who string, at time.Time) []string {
	var keys []string
	for exec, e := range h.held(who, at) {
		again := h.where(func(o event) bool { return o.What == began && o.Key == e.Key && o.Who != who && o.At.After(at) })
		record := h.where(func(o event) bool { return o.What == closed && o.Key == e.Key && o.Exec == exec })
		if len(again) > 0 && len(record) > 0 {
			keys = append(keys, e.Key)
		}
	}
	return keys
}
