package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// workload is what every system has to do.
type workload struct {
	jobs, argBytes, concurrency, probes int
}

// session is one system on one empty server.
type session interface {
	// enqueueMany stores n jobs in as few round trips as the system can.
	enqueueMany(ctx context.Context, n int) error
	// enqueue stores one job. It is called by many goroutines.
	enqueue(ctx context.Context) error
	// work runs handle for every job until ctx ends.
	work(ctx context.Context, concurrency int, handle func()) error
	close()
}

const (
	enqueuers   = 32
	singles     = 3000 // enqueues of the measure with one goroutine
	probeEvery  = 20 * time.Millisecond
	probeJitter = 5 * time.Millisecond
)

// measure takes all measures of one system once.
func measure(ctx context.Context, srv *server, sys system, w workload, t *table) error {
	if err := srv.empty(ctx); err != nil {
		return err
	}
	s, err := sys.open(srv.url(), w)
	if err != nil {
		return err
	}
	defer s.close()
	before, err := srv.number(ctx, "memory", "used_memory")
	if err != nil {
		return err
	}
	rate, err := timed(w.jobs, func() error { return s.enqueueMany(ctx, w.jobs) })
	if err != nil {
		return fmt.Errorf("enqueue many: %w", err)
	}
	t.add("enqueue, bulk", "jobs/s", sys.name, rate)
	after, err := srv.number(ctx, "memory", "used_memory")
	if err != nil {
		return err
	}
	t.add("memory", "bytes/job", sys.name, (after-before)/float64(w.jobs))
	if err := drain(ctx, srv, sys, s, w, t); err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	if sys.drainsOnly {
		return nil
	}
	n := w.jobs / 5 / enqueuers * enqueuers
	if rate, err = timed(n, func() error { return enqueueFrom(ctx, s, enqueuers, n) }); err != nil {
		return err
	}
	t.add("enqueue, 32 goroutines", "jobs/s", sys.name, rate)
	if rate, err = timed(singles, func() error { return enqueueFrom(ctx, s, 1, singles) }); err != nil {
		return err
	}
	t.add("enqueue, 1 goroutine", "jobs/s", sys.name, rate)
	return probe(ctx, srv, sys, w, t)
}

func timed(n int, do func() error) (float64, error) {
	begun := time.Now()
	err := do()
	return float64(n) / time.Since(begun).Seconds(), err
}

func enqueueFrom(ctx context.Context, s session, goroutines, n int) error {
	var wg sync.WaitGroup
	errs := make(chan error, goroutines)
	for range goroutines {
		wg.Go(func() {
			for range n / goroutines {
				if err := s.enqueue(ctx); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

// drain lets one worker empty the queue, and checks that it ran every job once.
func drain(ctx context.Context, srv *server, sys system, s session, w workload, t *table) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	cpu, err := srv.cpu(ctx)
	if err != nil {
		return err
	}
	own := ownCPU()
	var handled atomic.Int64
	all := make(chan struct{})
	begun := time.Now()
	result := make(chan error, 1)
	go func() {
		result <- s.work(ctx, w.concurrency, func() {
			if handled.Add(1) == int64(w.jobs) {
				close(all)
			}
		})
	}()
	select {
	case <-all:
	case err := <-result:
		return fmt.Errorf("the worker ended after %d jobs: %w", handled.Load(), err)
	}
	took := time.Since(begun)
	after, err := srv.cpu(ctx)
	if err != nil {
		return err
	}
	per := 1e6 / float64(w.jobs)
	t.add("drain", "jobs/s", sys.name, float64(w.jobs)/took.Seconds())
	t.add("drain, CPU of redis", "us/job", sys.name, (after-cpu)*per)
	t.add("drain, CPU of worker", "us/job", sys.name, (ownCPU()-own)*per)
	stop()
	if err := <-result; err != nil {
		return err
	}
	if n := handled.Load(); n != int64(w.jobs) {
		return fmt.Errorf("%d jobs were handled, want %d", n, w.jobs)
	}
	return nil
}

// probe measures how long a job takes to an idle worker's handler.
func probe(ctx context.Context, srv *server, sys system, w workload, t *table) error {
	if err := srv.empty(ctx); err != nil {
		return err
	}
	s, err := sys.open(srv.url(), w)
	if err != nil {
		return err
	}
	defer s.close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	started := make(chan time.Time, 1)
	result := make(chan error, 1)
	go func() { result <- s.work(ctx, w.concurrency, func() { started <- time.Now() }) }()
	var waits []float64
	for i := range w.probes + 10 {
		time.Sleep(probeEvery + time.Duration(i%11-5)*probeJitter/5)
		begun := time.Now()
		if err := s.enqueue(ctx); err != nil {
			return err
		}
		select {
		case at := <-started:
			waits = append(waits, at.Sub(begun).Seconds()*1000)
		case err := <-result:
			return fmt.Errorf("the worker ended: %w", err)
		}
	}
	waits = waits[10:] // the first ones find a worker that is about to start
	slices.Sort(waits)
	t.add("latency, idle p50", "ms", sys.name, waits[len(waits)/2])
	t.add("latency, idle p99", "ms", sys.name, waits[len(waits)*99/100])
	stop()
	return <-result
}
