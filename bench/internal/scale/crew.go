package scale

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/bench/internal/process"
	"github.com/drayhorse/drayhorse/worker"
)

// crew is what one process of workers does.
type crew struct {
	URL         string
	Workers     int
	Concurrency int
	Queues      map[string]int
}

// ServeCrew is the role of that process: it works from the first line of input to the
// end of it, and prints how many jobs it has handled so far whenever that grows.
func ServeCrew(ctx context.Context, in io.Reader, out io.Writer, request string) error {
	var c crew
	if err := json.Unmarshal([]byte(request), &c); err != nil {
		return err
	}
	var handled atomic.Int64
	workers := make([]*worker.Worker, c.Workers)
	for i := range workers {
		w, err := worker.New(worker.Config{RedisURL: c.URL, Concurrency: c.Concurrency, Queues: c.Queues, Registerer: prometheus.NewRegistry()})
		if err != nil {
			return err
		}
		worker.HandleKind(w, "noop", func(context.Context, *drayhorse.Job[json.RawMessage]) error {
			handled.Add(1)
			return nil
		})
		workers[i] = w
	}
	if _, err := fmt.Fprintln(out, "ready"); err != nil {
		return err
	}
	orders := bufio.NewScanner(in)
	if !orders.Scan() {
		return orders.Err()
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		for orders.Scan() { // until the parent closes it
		}
		stop()
	}()
	var wg sync.WaitGroup
	errs := make([]error, len(workers)+1)
	for i, w := range workers {
		wg.Go(func() { errs[i] = w.Run(ctx) })
	}
	wg.Go(func() { errs[len(workers)] = tell(ctx, out, &handled) })
	wg.Wait()
	return errors.Join(errs...)
}

func tell(ctx context.Context, out io.Writer, handled *atomic.Int64) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	told := int64(0)
	for ctx.Err() == nil {
		if n := handled.Load(); n != told {
			if _, err := fmt.Fprintln(out, n); err != nil {
				return err
			}
			told = n
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	return nil
}

// fleet are the processes of one measurement.
type fleet struct{ all []*process.Process }

func startCrews(ctx context.Context, n int, c crew) (*fleet, error) {
	request, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	f := &fleet{}
	for range n {
		p, _, err := process.Role(ctx, "crew", "-request", string(request))
		if err != nil {
			f.end()
			return nil, err
		}
		f.all = append(f.all, p)
	}
	return f, nil
}

// begin lets them work.
func (f *fleet) begin() error {
	for _, p := range f.all {
		if _, err := fmt.Fprintln(p.In, "work"); err != nil {
			return err
		}
	}
	return nil
}

// work lets them work until they have handled n jobs together.
func (f *fleet) work(ctx context.Context, n int) error {
	grown := make(chan int)
	done := make(chan struct{})
	defer close(done)
	for _, p := range f.all {
		go func() {
			last := 0
			for p.Out.Scan() {
				handled, err := strconv.Atoi(p.Out.Text())
				if err != nil {
					continue
				}
				select {
				case grown <- handled - last:
					last = handled
				case <-done:
					return
				}
			}
		}()
	}
	if err := f.begin(); err != nil {
		return err
	}
	handled := 0
	for handled < n {
		select {
		case more := <-grown:
			handled += more
		case <-ctx.Done():
			return fmt.Errorf("%d of %d jobs were handled: %w", handled, n, ctx.Err())
		}
	}
	if handled != n {
		return fmt.Errorf("%d jobs were handled, of %d", handled, n)
	}
	return nil
}

func (f *fleet) end() {
	var wg sync.WaitGroup
	for _, p := range f.all {
		wg.Go(p.Kill) // its scanner may still be read by work
	}
	wg.Wait()
}
