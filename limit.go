package drayhorse

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse/internal/duration"
)

// Limit bounds how many jobs of a queue, of one kind in it or in all queues, or of each group in a queue run at once, how
// often they start, or both. It is decided where jobs are claimed, for all workers together: a job that may not start yet waits
// where it is, costs no attempt, and is not looked for until it may. All limits of a queue
// hold together.
type Limit struct {
	// Name names the limit, as queues are named.
	Name string
	// Queue is the queue whose jobs it is for; empty: those of Kind in all queues. If it has several partitions, these
	// share the limit, as queues do: each has a part of Concurrency and of Burst, and workers have the parts follow the
	// jobs, within a second or two. Of a Burst of less than there are partitions some have none for a while.
	Queue string
	// Kind is the kind of those jobs; empty: all of the queue. Jobs of other kinds pass those
	// that wait for it.
	Kind string
	// PerGroup is for the jobs of each [Group] by themselves: as many of each may run, and start. Those of
	// a group that wait for it hold up no other group. Jobs of no group have no such limit.
	PerGroup bool
	// Concurrency is how many of them run at once; 0: any number.
	Concurrency int
	// Rate is how often they start. The zero value: as often as they can.
	Rate Rate
	// Breaker stops the starts when too many of them fail. The zero value: nothing does. It is of all jobs of the
	// queue, or of the kind, so not PerGroup. Partitions that share the limit have one each.
	Breaker Breaker
}

// Rate is how often something may be done: Jobs in each Per, evenly spread. In any time there
// are at most Burst more of them than that.
type Rate struct {
	Jobs int
	Per  time.Duration // 1 ms to 366 days
	// Burst is how many may start at once after a quiet time; 0: 1.
	Burst int
}

const (
	maxLimit    = 1_000_000
	maxRateTime = 366 * 24 * time.Hour
)

// Validate reports the first impossible value, as ErrInvalid.
func (l *Limit) Validate() error {
	if err := ValidateQueue(l.Name); err != nil {
		return fmt.Errorf("%w: name %q of a limit; want 1-128 letters, digits and _ . : -", ErrInvalid, clip(l.Name))
	}
	invalid := func(format string, args ...any) error {
		return fmt.Errorf("%w: limit %s: %s", ErrInvalid, l.Name, fmt.Sprintf(format, args...))
	}
	r := &l.Rate
	switch {
	case l.Queue == "" && l.Kind == "":
		return invalid("Queue and Kind are empty; want the queue whose jobs it is for, or a kind, which is limited in all queues then")
	case l.Queue == "" && l.PerGroup:
		return invalid("PerGroup without Queue; want the queue whose groups it is for")
	case l.Queue != "" && ValidateQueue(l.Queue) != nil:
		return invalid("%v", ValidateQueue(l.Queue))
	case l.Kind != "" && ValidateKind(l.Kind) != nil:
		return invalid("%v", ValidateKind(l.Kind))
	case l.Concurrency < 0 || l.Concurrency > maxLimit:
		return invalid("Concurrency %d; want 1 to %d, or 0 for any number", l.Concurrency, maxLimit)
	case l.Breaker.problem() != "":
		return invalid("%s", l.Breaker.problem())
	case l.PerGroup && l.Breaker != Breaker{}:
		return invalid("a Breaker of each group; want PerGroup without it, or a Breaker of the queue or of a kind")
	case l.Concurrency == 0 && *r == Rate{} && l.Breaker == Breaker{}:
		return invalid("it limits nothing; want Concurrency, Rate, Breaker or several of them")
	case *r == Rate{}:
		return nil
	case r.Jobs < 1 || r.Jobs > maxLimit:
		return invalid("Rate of %d jobs; want 1 to %d", r.Jobs, maxLimit)
	case r.Per < time.Millisecond || r.Per > maxRateTime:
		return invalid("Rate per %v; want 1ms to %v", r.Per, maxRateTime)
	case r.every() < 1:
		return invalid("Rate of %d jobs per %v; want at most one a microsecond", r.Jobs, r.Per)
	case r.Burst < 0 || r.Burst > maxLimit:
		return invalid("Burst %d; want 1 to %d, or 0 for 1", r.Burst, maxLimit)
	}
	return nil
}

// every is how many microseconds one start takes up, rounded up: never more jobs than asked.
func (r *Rate) every() int64 {
	if r.Jobs == 0 {
		return 0
	}
	return int64(math.Ceil(float64(r.Per.Microseconds()) / float64(r.Jobs)))
}

// Terms are the numbers of a valid limit, for the engine: how many jobs run at once, how many
// microseconds one start takes up, and how many may start at once. 0 stands for no bound.
func (l *Limit) Terms() (concurrency int, every int64, burst int) {
	if l.Rate == (Rate{}) {
		return l.Concurrency, 0, 0
	}
	return l.Concurrency, l.Rate.every(), max(l.Rate.Burst, 1)
}

// ParseRate reads a rate as in 100/1m: jobs, and the time in which they may start. The error is
// ErrInvalid.
func ParseRate(text string) (Rate, error) {
	jobs, per, _ := strings.Cut(text, "/")
	n, err := strconv.Atoi(jobs)
	d, perErr := duration.Parse(per)
	if err != nil || perErr != nil || n < 1 || d <= 0 {
		return Rate{}, fmt.Errorf("%w: rate %q; want jobs per time, as in 100/1m", ErrInvalid, clip(text))
	}
	return Rate{Jobs: n, Per: d}, nil
}

// String is the rate as ParseRate reads it; empty if there is none. It says nothing of Burst.
func (r Rate) String() string {
	if r == (Rate{}) {
		return ""
	}
	return fmt.Sprintf("%d/%s", r.Jobs, duration.Format(r.Per))
}
