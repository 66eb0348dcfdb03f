package producer_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

// The ways in which a caller's own methods go wrong.
type (
	panicking struct{ Kinds bool }
	leaving   struct{}
)

func (p panicking) Kind() string {
	if p.Kinds {
		panic("on purpose")
	}
	return "panicking"
}

func (panicking) MarshalJSON() ([]byte, error) { panic(errors.New("on purpose")) }

func (leaving) Kind() string { return "leaving" }

func (leaving) MarshalJSON() ([]byte, error) { runtime.Goexit(); return nil, nil }

// TestArgsThatPanicAreInvalid, in the caller's goroutine and in others, and nothing is
// stored.
func TestArgsThatPanicAreInvalid(t *testing.T) {
	p := setup(t)
	for want, args := range map[string]drayhorse.Args{
		"MarshalJSON panics: on purpose": panicking{}, "Kind panics: on purpose": panicking{Kinds: true},
		"nil *producer_test.welcome": (*welcome)(nil), "arguments are nil": nil,
	} {
		if _, err := p.Enqueue(t.Context(), args); !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want ErrInvalid with %q", err, want)
		}
		for _, bad := range []int{0, 4321} {
			if err := enqueueWith(t, p, bad, args); !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), fmt.Sprint("spec ", bad, ": ")) || !strings.Contains(err.Error(), want) {
				t.Errorf("err = %v, want ErrInvalid with spec %d and %q", err, bad, want)
			}
		}
	}
	ended := make(chan error, 1)
	go func() { // which may be the one that is left
		defer close(ended)
		ended <- enqueueWith(t, p, 4321, leaving{})
	}()
	if err, returned := <-ended; returned && (!errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), "spec 4321")) {
		t.Errorf("err = %v, want ErrInvalid with spec 4321", err)
	}
	if _, err := p.Get(t.Context(), "good"); !errors.Is(err, drayhorse.ErrNotFound) {
		t.Errorf("a good spec beside a bad one: %v", err)
	}
}

// enqueueWith enqueues many specs, one of them bad.
func enqueueWith(t *testing.T, p *producer.Producer, bad int, args drayhorse.Args) error {
	t.Helper()
	specs := make([]drayhorse.Spec, 5000)
	for i := range specs {
		specs[i] = drayhorse.Spec{Args: welcome{}}
	}
	specs[1].Options = []drayhorse.Option{drayhorse.ID("good")}
	specs[bad] = drayhorse.Spec{Args: args}
	_, err := p.EnqueueMany(t.Context(), specs)
	return err
}

// TestPatienceCountsFromTheLastAnswer: many calls take longer than that, and each is
// answered.
func TestPatienceCountsFromTheLastAnswer(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr)
	p := open(t, producer.Config{RedisURL: "redis://" + proxy.Addr, Patience: 4 * time.Second})
	enqueueIn(t, p, "default")
	proxy.Delay(250 * time.Millisecond)
	specs := make([]drayhorse.Spec, 25)
	large := json.RawMessage(`"` + strings.Repeat("x", 1<<20-100) + `"`)
	for i := range specs {
		specs[i] = drayhorse.Spec{Args: drayhorse.Raw("large", large)}
	}
	begun := time.Now()
	infos, err := p.EnqueueMany(t.Context(), specs)
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took < 4*time.Second {
		t.Errorf("it took %v, less than the patience: nothing is shown", took)
	}
	for i, info := range infos {
		if info == nil {
			t.Errorf("spec %d has no info", i)
		}
	}
	proxy.Freeze()
	begun = time.Now()
	_, err = p.EnqueueMany(t.Context(), specs)
	var many *producer.ManyError
	if !errors.As(err, &many) || !errors.Is(err, drayhorse.ErrUnavailable) || len(many.Unknown) != len(specs) {
		t.Errorf("away: %v", err)
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("away: it took %v, want about 4 s in all", took)
	}
	proxy.Resume()
}

// TestNodesOfAClusterFailApart: of specs for all nodes, those of one that stands still
// are named, and the others are stored at once.
func TestNodesOfAClusterFailApart(t *testing.T) {
	t.Parallel()
	g := redistest.StartCluster(t, 3, 0, redistest.WithConfig("cluster-node-timeout 60000"))
	client := g.Client(t)
	nodeOf := func(key string) string {
		master, err := client.MasterForKey(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		return master.Options().Addr
	}
	var frozen *redistest.Server
	for _, node := range g.Nodes {
		if node.Addr != nodeOf("drayhorse:queues") {
			frozen = node
		}
	}
	p := open(t, producer.Config{RedisURL: g.URL, Patience: 2 * time.Second})
	specs, there := make([]drayhorse.Spec, 60), map[int]bool{}
	for i := range specs {
		queue := fmt.Sprint("queue", i)
		specs[i] = drayhorse.Spec{Args: welcome{}, Options: []drayhorse.Option{drayhorse.Queue(queue)}}
		there[i] = nodeOf("drayhorse:{"+queue+"}:jobs") != frozen.Addr
	}
	for _, fresh := range []bool{true, false} { // the producer has not seen the node, or has
		if !fresh {
			if _, err := p.EnqueueMany(t.Context(), specs); err != nil {
				t.Fatal(err)
			}
		}
		frozen.Pause()
		begun := time.Now()
		infos, err := p.EnqueueMany(t.Context(), specs)
		took := time.Since(begun)
		var many *producer.ManyError
		if !errors.As(err, &many) || !errors.Is(err, drayhorse.ErrUnavailable) {
			t.Fatalf("err = %v, want a ManyError of ErrUnavailable", err)
		}
		for i, info := range infos {
			if (info != nil) != there[i] {
				t.Errorf("fresh %v, spec %d: %v, %v; its node is well: %v", fresh, i, info, err, there[i])
			}
		}
		if many.Stored+len(many.Unknown) != len(specs) || there[many.Unknown[0]] {
			t.Errorf("the error counts %d and %v", many.Stored, many.Unknown)
		}
		if took > 25*time.Second { // one patience, not one for each queue
			t.Errorf("it took %v", took)
		}
		info, err := p.Enqueue(t.Context(), welcome{}, drayhorse.Queue(infos[firstOf(there)].Queue))
		if err != nil || info == nil {
			t.Errorf("a healthy node: %v", err)
		}
		other := open(t, producer.Config{RedisURL: g.URL})
		if _, err := other.Enqueue(t.Context(), welcome{}, drayhorse.Queue(infos[firstOf(there)].Queue)); err != nil {
			t.Errorf("a new producer on a healthy node: %v", err)
		}
		frozen.Resume()
	}
}

func firstOf(there map[int]bool) int {
	for i := 0; ; i++ {
		if there[i] {
			return i
		}
	}
}

// TestProducersShareARegisterer, also one after the other.
func TestProducersShareARegisterer(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	for range 3 {
		p := open(t, producer.Config{RedisURL: redistest.Shared(t), Namespace: redistest.Namespace(t), Registerer: registry})
		enqueueIn(t, p, "mail")
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			got[f.GetName()] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	if got["drayhorse_jobs_enqueued_total"] != 3 || got["drayhorse_redis_pool_connections"] != 0 {
		t.Errorf("got %v, want 3 jobs of 3 producers, and no connection left", got)
	}
}

func TestSpans(t *testing.T) {
	t.Parallel()
	for want, unknown := range map[string][]int{
		"spec 3": {3}, "spec 0-2, 7": {0, 1, 2, 7}, "spec 1, 3, 5, 7, 9 and 2 more": {1, 3, 5, 7, 9, 11, 12},
	} {
		if err := (&producer.ManyError{Stored: 1, Unknown: unknown, Err: drayhorse.ErrUnavailable}); !strings.Contains(err.Error(), "not known of "+want+": redis unavailable") {
			t.Errorf("%v; want %q", err, want)
		}
	}
}
