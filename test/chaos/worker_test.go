package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/worker"
)

// What failed is tried again after a time between these, of which half is random.
const (
	leastBackoff = 200 * time.Millisecond
	mostBackoff  = 2 * time.Second
)

// serve is main of a worker.
func serve(ctx context.Context, p *plan, j *journal) error {
	if p.Bug != "" {
		return p.Bug.serve(ctx, p, j)
	}
	w, err := worker.New(worker.Config{
		RedisURL: p.URL, Namespace: p.Namespace, Queues: p.Queues, Concurrency: p.Concurrency, ShutdownTimeout: p.Shutdown,
		Logger: slog.New(notes{p.logger().Handler(), j}),
		Retry:  worker.Exponential(leastBackoff, mostBackoff),
	})
	if err != nil {
		return err
	}
	b := &bench{name: p.Name, hands: hands{p.Dir}, journal: j}
	for _, k := range kinds() {
		worker.HandleKind(w, k.name, func(ctx context.Context, job *drayhorse.Job[json.RawMessage]) error {
			return b.run(ctx, k, job)
		})
	}
	go p.watch(ctx, j, w.Ready)
	return w.Run(ctx)
}

// bench is where the handlers of a process work.
type bench struct {
	name    string
	hands   hands
	journal *journal
	count   atomic.Int64 // executions
}

// run is one execution, written down before and after.
func (b *bench) run(ctx context.Context, k kind, job *drayhorse.Job[json.RawMessage]) (err error) {
	var w work
	if err := json.Unmarshal(job.Args, &w); err != nil {
		return err
	}
	if !job.Tick.IsZero() {
		w.Key = job.ID
	}
	e := event{
		What: began, Key: w.Key, Kind: k.name, ID: job.ID, Attempt: job.Attempt,
		Exec: fmt.Sprintf("%s#%d", b.name, b.count.Add(1)),
	}
	b.journal.must(e)
	defer func() {
		r := recover()
		e.What, e.At, e.Said = ended, time.Time{}, outcome(r, err)
		b.journal.must(e)
		if r != nil {
			panic(r)
		}
	}()
	if err := job.SetResult(e.Exec); err != nil {
		return err
	}
	return k.run(ctx, &b.hands, &w, job.Attempt)
}

// outcome says in a word what a handler came to.
func outcome(panicked any, err error) string {
	var steer *drayhorse.Steer
	switch {
	case panicked != nil:
		return "panicked"
	case err == nil:
		return "completed"
	case errors.As(err, &steer) && steer.To == drayhorse.Scheduled:
		return "snoozed"
	default:
		return "failed: " + err.Error()
	}
}

// notes writes down what a worker logs of refused finishes and lost leases.
type notes struct {
	slog.Handler
	journal *journal
}

// told are the messages of a worker that what it holds is not its own any more.
var told = map[string]what{
	"finish refused: the job is no longer this worker's": refused,
	"lease lost; ending its jobs":                        dropped,
}

// Handle is slog.Handler's.
func (n notes) Handle(ctx context.Context, record slog.Record) error {
	if w, ok := told[record.Message]; ok {
		e := event{What: w}
		record.Attrs(func(a slog.Attr) bool {
			if a.Key == "job_id" {
				e.ID = a.Value.String()
			}
			return true
		})
		n.journal.must(e)
	}
	return n.Handler.Handle(ctx, record)
}

// WithAttrs is slog.Handler's.
func (n notes) WithAttrs(attrs []slog.Attr) slog.Handler {
	return notes{n.Handler.WithAttrs(attrs), n.journal}
}

// WithGroup is slog.Handler's.
func (n notes) WithGroup(name string) slog.Handler {
	return notes{n.Handler.WithGroup(name), n.journal}
}

// watch tells the parent when the process can do its job, and writes down when it
// says that it cannot, and what it uses.
func (p *plan) watch(ctx context.Context, j *journal, ready func() error) {
	var last what
	announced := false
	for tick := 0; ctx.Err() == nil; tick++ {
		now := event{What: able}
		if err := ready(); err != nil {
			now = event{What: unready, Said: err.Error()}
		}
		if now.What == able && !announced {
			announced = true
			_ = p.ready() // the parent misses it and says so
		}
		if now.What != last {
			j.must(now)
			last = now.What
		}
		if tick%100 == 0 {
			j.must(consumption())
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// consumption is what this process uses.
func consumption() event {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return event{What: usage, Attempt: runtime.NumGoroutine(), Said: strconv.FormatUint(m.HeapAlloc, 10)}
}
