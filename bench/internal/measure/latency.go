package measure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse/bench/internal/systems"
)

const (
	probePause = 20 * time.Millisecond
	warmUp     = 10 // probes that find a worker about to start
)

// latency takes the time from each call to its handler, on an idle worker.
func latency(ctx context.Context, r *run) error {
	var waits []float64
	var err error
	if remote, ok := r.session.(systems.Remote); ok {
		waits, err = remote.Probe(ctx, r.concurrency, r.Probes)
	} else {
		waits, err = r.probe(ctx)
	}
	if err != nil {
		return err
	}
	slices.Sort(waits)
	r.add(LatencyP50, "ms", Quantile(waits, 0.5))
	r.add(LatencyP99, "ms", Quantile(waits, 0.99))
	r.add(LatencyMax, "ms", waits[len(waits)-1])
	return nil
}

// probe enqueues one job after the other, whether or not the one before has run.
func (r *run) probe(ctx context.Context) ([]float64, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	n := warmUp + r.Probes
	begun, started, seen := make([]time.Time, n), make([]time.Time, n), NewTally(n)
	ended := make(chan error, 1)
	go func() {
		ended <- r.session.Work(ctx, r.concurrency, func(job int) {
			if job >= 0 && job < n {
				started[job] = time.Now()
			}
			seen.Add(job)
		})
	}()
	for job := range begun {
		time.Sleep(Pause(job))
		begun[job] = time.Now()
		if err := r.session.Enqueue(ctx, job); err != nil {
			return nil, err
		}
	}
	select {
	case <-seen.All:
	case err := <-ended:
		return nil, fmt.Errorf("the worker ended: %w", err)
	case <-time.After(time.Minute):
		return nil, fmt.Errorf("jobs do not come: %w", seen.Check())
	}
	stop()
	waits := make([]float64, r.Probes)
	for i := range waits {
		waits[i] = started[warmUp+i].Sub(begun[warmUp+i]).Seconds() * 1000
	}
	return waits, errors.Join(<-ended, seen.Check())
}

// Pause is the time before a probe: from 15 to 25 ms.
func Pause(probe int) time.Duration { return probePause + time.Duration(probe%11-5)*time.Millisecond }

// Quantile of values in ascending order.
func Quantile(sorted []float64, q float64) float64 {
	return sorted[min(int(float64(len(sorted))*q), len(sorted)-1)]
}
