package scheduler

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/internal/schedules"
)

func TestMain(m *testing.M) {
	if os.Getenv(childURL) != "" {
		child()
		return
	}
	redistest.Main(m)
}

const patience = 20 * time.Second

// rig is a namespace of a test's own, with an engine and a store to look into it.
type rig struct {
	*testing.T
	url, namespace string
	engine         *jobs.Engine
	store          *schedules.Store
}

func setup(t *testing.T) *rig {
	t.Helper()
	t.Parallel()
	return setupAt(t, redistest.Shared(t))
}

func setupAt(t *testing.T, url string) *rig {
	t.Helper()
	client, err := redis.Open(redis.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	namespace := redistest.Namespace(t)
	return &rig{t, url, namespace, jobs.New(client, namespace), schedules.New(client, namespace)}
}

// in gives the rig in another namespace.
func (r *rig) in(namespace string) *rig {
	client := r.engine.Client()
	return &rig{r.T, r.url, namespace, jobs.New(client, namespace), schedules.New(client, namespace)}
}

// scheduler makes a replica that declares schedules.
func (r *rig) scheduler(declared []Schedule, change ...func(*Config)) *Scheduler {
	r.Helper()
	cfg := Config{RedisURL: r.url, Namespace: r.namespace, Source: "test", LeaseTTL: 10 * time.Second} // a busy machine deposes nobody
	for _, c := range change {
		c(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		r.Fatal(err)
	}
	for _, schedule := range declared {
		if err := s.Add(schedule); err != nil {
			r.Fatal(err)
		}
	}
	return s
}

// run runs a replica until the test ends or stop is called.
func (r *rig) run(s *Scheduler) (stop func()) {
	r.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Run(ctx); err != nil {
			r.Errorf("Run: %v", err)
		}
	}()
	stop = func() { cancel(); <-done }
	r.Cleanup(stop)
	return stop
}

// ids gives the IDs of all jobs that are in line in a queue.
func (r *rig) ids(queue string) []string {
	r.Helper()
	partitions, err := r.engine.Queue(r.Context(), queue)
	if err != nil {
		r.Fatal(err)
	}
	var ids []string
	for _, part := range partitions {
		for cursor := ""; ; {
			page, next, err := part.List(r.Context(), drayhorse.Available, cursor, jobs.MaxPage)
			if err != nil {
				r.Fatal(err)
			}
			for _, info := range page {
				ids = append(ids, info.ID)
			}
			if cursor = next; cursor == "" {
				break
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// ticks gives the ticks of a schedule that are in line in queue default, in order.
func (r *rig) ticks(schedule string) []time.Time {
	r.Helper()
	var ticks []time.Time
	for _, id := range r.ids(drayhorse.DefaultQueue) {
		if name, tick, ok := strings.Cut(id, "@"); ok && name == schedule {
			ms, err := strconv.ParseInt(tick, 10, 64)
			if err != nil {
				r.Fatal(err)
			}
			ticks = append(ticks, time.UnixMilli(ms))
		}
	}
	return ticks
}

func raw(kind string) drayhorse.Args { return drayhorse.Raw(kind, json.RawMessage(`{"n":1}`)) }

// value gives what a counter has counted.
func value(t *testing.T, c prometheus.Metric) float64 {
	t.Helper()
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetCounter().GetValue()
}
