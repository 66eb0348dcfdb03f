package producer_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

// track is a step, or a member, that says when it ran.
type track struct{ N int }

func (track) Kind() string { return "track" }

// course is a server, a producer and a worker whose handler does nothing but say that it ran.
type course struct {
	*testing.B

	jobs *producer.Producer
	ran  chan time.Time // when a handler began
}

func newCourse(b *testing.B) *course {
	b.Helper()
	url := redistest.Start(b).URL
	p := open(b, producer.Config{RedisURL: url})
	w, err := worker.New(worker.Config{RedisURL: url, Concurrency: 100})
	if err != nil {
		b.Fatal(err)
	}
	c := &course{B: b, jobs: p, ran: make(chan time.Time, 1<<20)}
	worker.Handle(w, func(context.Context, *drayhorse.Job[track]) error {
		c.ran <- time.Now()
		return nil
	})
	keepRunning(b, w)
	warm := flow.New("warm") // the worker is up then, and scripts are loaded
	warm.Step("only", track{})
	if _, err := p.Submit(b.Context(), warm); err != nil {
		b.Fatal(err)
	}
	c.wait(1)
	return c
}

// wait waits until so many have run, and gives when each did.
func (c *course) wait(n int) []time.Time {
	c.Helper()
	all := make([]time.Time, n)
	for i := range all {
		select {
		case all[i] = <-c.ran:
		case <-time.After(time.Minute):
			c.Fatalf("%d of %d have run, and no more for a minute", i, n)
		}
	}
	return all
}

// BenchmarkHop is how long the next step of a chain takes to begin when one has ended, p50 and p99, on an idle worker.
func BenchmarkHop(b *testing.B) {
	c := newCourse(b)
	const steps = 200
	var hops []time.Duration
	for n := 0; b.Loop(); n++ {
		f := flow.New(fmt.Sprint("chain-", n))
		last := f.Step("0", track{})
		for i := 1; i < steps; i++ {
			last = f.Step(fmt.Sprint(i), track{i}).After(last)
		}
		if _, err := c.jobs.Submit(b.Context(), f); err != nil {
			b.Fatal(err)
		}
		at := c.wait(steps)
		for i := 1; i < steps; i++ {
			hops = append(hops, at[i].Sub(at[i-1]))
		}
	}
	slices.Sort(hops)
	b.ReportMetric(float64(hops[len(hops)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(hops[len(hops)*99/100].Microseconds())/1000, "p99-ms")
}

// BenchmarkGraph is how many steps a second a flow of ten layers of a hundred steps runs, each after three of the layer before.
func BenchmarkGraph(b *testing.B) {
	c := newCourse(b)
	const layers, width = 10, 100
	var made, took time.Duration
	n := 0
	for ; b.Loop(); n++ {
		f := flow.New(fmt.Sprint("graph-", n))
		var before []*flow.Step
		for l := range layers {
			var layer []*flow.Step
			for i := range width {
				s := f.Step(fmt.Sprintf("%d-%d", l, i), track{i})
				for k := 0; l > 0 && k < 3; k++ {
					s.After(before[(i+k*7)%width])
				}
				layer = append(layer, s)
			}
			before = layer
		}
		begun := time.Now()
		if _, err := c.jobs.Submit(b.Context(), f); err != nil {
			b.Fatal(err)
		}
		made += time.Since(begun)
		at := c.wait(layers * width)
		took += at[len(at)-1].Sub(begun)
	}
	b.ReportMetric(float64(n*layers*width)/took.Seconds(), "steps/s")
	b.ReportMetric(made.Seconds()*1000/float64(n), "submit-ms")
}

// BenchmarkFlows is how many flows of three steps, one after the other, are made and run a second, 2,000 at once by 32 goroutines.
func BenchmarkFlows(b *testing.B) {
	c := newCourse(b)
	const flows, makers = 2000, 32
	var took time.Duration
	n := 0
	for ; b.Loop(); n++ {
		begun := time.Now()
		var all sync.WaitGroup
		for m := range makers {
			all.Go(func() {
				for i := m; i < flows; i += makers {
					f := flow.New(fmt.Sprintf("flow-%d-%d", n, i))
					f.Step("c", track{}).After(f.Step("b", track{}).After(f.Step("a", track{})))
					if _, err := c.jobs.Submit(b.Context(), f); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		at := c.wait(3 * flows)
		took += at[len(at)-1].Sub(begun)
	}
	b.ReportMetric(float64(n*flows)/took.Seconds(), "flows/s")
}

// BenchmarkMembers is how many members of a batch are added, run and counted a second, 20,000 in calls of 1,000.
func BenchmarkMembers(b *testing.B) {
	c := newCourse(b)
	const members = 20_000
	specs := make([]drayhorse.Spec, 1000)
	for i := range specs {
		specs[i] = drayhorse.Spec{Args: track{i}}
	}
	var took time.Duration
	n := 0
	for ; b.Loop(); n++ {
		begun := time.Now()
		batch, err := c.jobs.NewBatch(b.Context(), flow.Batch{ID: fmt.Sprint("batch-", n)})
		for i := 0; i < members && err == nil; i += len(specs) {
			_, err = batch.Add(b.Context(), specs...)
		}
		if err == nil {
			err = batch.Close(b.Context())
		}
		if err != nil {
			b.Fatal(err)
		}
		c.wait(members)
		for {
			info, err := c.jobs.Flow(b.Context(), batch.ID)
			if err != nil {
				b.Fatal(err)
			}
			if info.Completed == members {
				break
			}
			time.Sleep(time.Millisecond)
		}
		took += time.Since(begun)
	}
	b.ReportMetric(float64(n*members)/took.Seconds(), "members/s")
}
