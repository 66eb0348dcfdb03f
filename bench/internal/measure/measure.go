// Package measure takes one measure of one system, in a process of its own, so that
// no system runs on the heap, the connections or the goroutines that another left.
package measure

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"strings"

	"github.com/drayhorse/drayhorse/bench/internal/process"
	"github.com/drayhorse/drayhorse/bench/internal/store"
	"github.com/drayhorse/drayhorse/bench/internal/systems"
)

// Request asks for a measure.
type Request struct {
	System, Measure string
	Place           store.Place
	Jobs            int // for this system
	ArgBytes        int
	Probes          int
	Profile         string // a file for a CPU profile; empty: none
}

// Figure is what was measured.
type Figure struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`
}

// Callers of the measure with many goroutines.
const Callers = 32

// The names of figures, for targets and plots.
const (
	EnqueueOne  = "enqueue, 1 goroutine"
	EnqueueMany = "enqueue, 32 goroutines"
	EnqueueBulk = "enqueue, bulk"
	Bytes       = "memory of a queued job"
	LatencyP50  = "latency on an idle worker, p50"
	LatencyP99  = "latency on an idle worker, p99"
	LatencyMax  = "latency on an idle worker, max"
	ClientCPU   = "CPU of client, whole cycle"
	ServerCPU   = "CPU of server, whole cycle"
	CycleCPU    = "CPU of both, whole cycle"
)

// Drain is the name of the figure of that concurrency.
func Drain(concurrency int) string { return fmt.Sprintf("drain, %d handlers", concurrency) }

// run is one measure under way.
type run struct {
	Request
	concurrency int // of the measure's worker
	drainsOnly  bool
	session     systems.Session
	figures     []Figure
}

func (r *run) add(name, unit string, value float64) {
	r.figures = append(r.figures, Figure{name, unit, value})
}

// kinds are the measures, in the order in which they are taken.
var kinds = []struct {
	name        string
	about       string
	concurrency int
	take        func(ctx context.Context, r *run) error
	needsWriter bool
}{
	{"single", "enqueue from one goroutine", 1, single, true},
	{"cycle", "enqueue from 32 goroutines, drain by 100 handlers, CPU of the whole", 100, cycle, false},
	{"bulk", "enqueue in bulk, bytes of a job, drain by 10 handlers", 10, bulk, false},
	{"drain500", "drain by 500 handlers", 500, drainOnly, false},
	{"latency", "time to the handler of an idle worker", 100, latency, true},
}

// Names of all measures.
func Names() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

// Choose checks a list of measures with commas between them.
func Choose(list string) ([]string, error) {
	if list == "" {
		return Names(), nil
	}
	chosen := strings.Split(list, ",")
	for _, name := range chosen {
		if find(name) < 0 {
			return nil, fmt.Errorf("unknown measure %q; want some of %s", name, strings.Join(Names(), ", "))
		}
	}
	return chosen, nil
}

func find(name string) int {
	for i, k := range kinds {
		if k.name == name {
			return i
		}
	}
	return -1
}

// Fits says whether a measure can be taken of a system.
func Fits(name string, s systems.System) bool { return !s.DrainsOnly || !kinds[find(name)].needsWriter }

// In has a process of its own take the measure.
func In(ctx context.Context, request Request) ([]Figure, error) {
	text, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	p, answer, err := process.Role(ctx, "measure", "-request", string(text))
	if err != nil {
		return nil, err
	}
	defer p.End()
	var figures []Figure
	if err := json.Unmarshal([]byte(answer), &figures); err != nil {
		return nil, fmt.Errorf("%s", answer)
	}
	return figures, nil
}

// Serve is the role of that process: it prints the figures as a line of JSON, or the
// error as a line.
func Serve(ctx context.Context, out io.Writer, request string) error {
	var r run
	if err := json.Unmarshal([]byte(request), &r.Request); err != nil {
		return err
	}
	if err := r.take(ctx); err != nil {
		_, err := fmt.Fprintln(out, strings.ReplaceAll(err.Error(), "\n", "; "))
		return err
	}
	return json.NewEncoder(out).Encode(r.figures)
}

func (r *run) take(ctx context.Context) error {
	system, err := systems.Find(r.System)
	if err != nil {
		return err
	}
	kind := kinds[find(r.Measure)]
	r.concurrency, r.drainsOnly = kind.concurrency, system.DrainsOnly
	r.session, err = system.Open(ctx, systems.Setting{Place: r.Place, ArgBytes: r.ArgBytes, Concurrency: kind.concurrency, Callers: Callers})
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer r.session.Close()
	if r.Profile != "" {
		f, err := os.Create(r.Profile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer func() { pprof.StopCPUProfile(); _ = f.Close() }()
	}
	return kind.take(ctx, r)
}
