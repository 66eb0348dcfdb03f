package producer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

func TestMain(m *testing.M) {
	if os.Getenv(doRoleEnv) != "" {
		doChild()
		return
	}
	redistest.Main(m)
}

type welcome struct {
	UserID int64 `json:"user_id"`
}

func (welcome) Kind() string { return "welcome" }

func setup(t *testing.T) *producer.Producer {
	t.Helper()
	t.Parallel()
	return open(t, producer.Config{RedisURL: redistest.Shared(t), Namespace: redistest.Namespace(t)})
}

func open(t testing.TB, cfg producer.Config) *producer.Producer {
	t.Helper()
	p, err := producer.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func TestEnqueueSaysWhereTheJobStands(t *testing.T) {
	p := setup(t)
	info, err := p.Enqueue(t.Context(), welcome{UserID: 42}, drayhorse.Queue("mail"), drayhorse.MaxAttempts(5), drayhorse.Priority(drayhorse.High), drayhorse.Group("tenant-42"))
	if err != nil {
		t.Fatal(err)
	}
	if info.State != drayhorse.Available || info.Queue != "mail" || info.Kind != "welcome" || info.Attempt != 1 ||
		info.MaxAttempts != 5 || info.Priority != drayhorse.High || info.Group != "tenant-42" || string(info.Args) != `{"user_id":42}` || info.Duplicate || time.Since(info.EnqueuedAt) > time.Minute {
		t.Errorf("info = %+v", info)
	}
	got, err := p.Get(t.Context(), info.ID)
	if err != nil || got.State != drayhorse.Available || got.Priority != drayhorse.High || got.Group != "tenant-42" || got.Queue != "mail" || string(got.Args) != string(info.Args) {
		t.Errorf("Get = %+v, %v", got, err)
	}
	later, err := p.Enqueue(t.Context(), welcome{}, drayhorse.In(time.Hour))
	if err != nil || later.State != drayhorse.Scheduled || time.Until(later.DueAt) < 59*time.Minute {
		t.Errorf("in an hour: %+v, %v", later, err)
	}
	past, err := p.Enqueue(t.Context(), welcome{}, drayhorse.At(time.Now().Add(-time.Hour)))
	if err != nil || past.State != drayhorse.Available {
		t.Errorf("an hour ago: %+v, %v", past, err)
	}
}

func TestOwnIDIsIdempotent(t *testing.T) {
	p := setup(t)
	first, err := p.Enqueue(t.Context(), welcome{UserID: 1}, drayhorse.ID("welcome-1"))
	if err != nil || first.Duplicate || first.ID != "welcome-1" {
		t.Fatalf("first = %+v, %v", first, err)
	}
	second, err := p.Enqueue(t.Context(), welcome{UserID: 2}, drayhorse.ID("welcome-1"))
	if err != nil || !second.Duplicate || string(second.Args) != `{"user_id":1}` {
		t.Errorf("second = %+v, %v, want the first", second, err)
	}
	elsewhere, err := p.Enqueue(t.Context(), welcome{UserID: 3}, drayhorse.ID("welcome-1"), drayhorse.Queue("other"))
	if err != nil || elsewhere.Duplicate {
		t.Errorf("in another queue = %+v, %v, want a new job", elsewhere, err)
	}
	if err := p.Cancel(t.Context(), "welcome-1", drayhorse.Queue("default")); err != nil {
		t.Fatal(err)
	}
	var ended *drayhorse.EndedError
	if err := p.Cancel(t.Context(), "welcome-1", drayhorse.Queue("default")); !errors.As(err, &ended) || !errors.Is(err, drayhorse.ErrNotFound) ||
		err.Error() != "job welcome-1 has been cancelled already" {
		t.Errorf("cancel again: %v", err)
	}
	if err := p.Cancel(t.Context(), "welcome-1"); err != nil {
		t.Errorf("the live one of another queue was not found: %v", err)
	}
	third, err := p.Enqueue(t.Context(), welcome{}, drayhorse.ID("welcome-1"))
	if err != nil || !third.Duplicate || third.State != drayhorse.Cancelled {
		t.Errorf("after its end = %+v, %v, want the cancelled one", third, err)
	}
}

// TestAnEndedJobIsReplacedOnRequest, whatever its end; a live one is not.
func TestAnEndedJobIsReplacedOnRequest(t *testing.T) {
	t.Parallel()
	url, namespace := redistest.Shared(t), redistest.Namespace(t)
	p := open(t, producer.Config{RedisURL: url, Namespace: namespace})
	a, err := admin.New(admin.Config{RedisURL: url, Namespace: namespace})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	ctx := t.Context()
	enqueue := func(user int64, options ...drayhorse.Option) *drayhorse.Info {
		t.Helper()
		info, err := p.Enqueue(ctx, welcome{UserID: user}, append(options, drayhorse.ID("report"))...)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	enqueue(1)
	if live := enqueue(2, drayhorse.ReplaceEnded()); !live.Duplicate || string(live.Args) != `{"user_id":1}` {
		t.Errorf("beside a live one: %+v; want that", live)
	}
	for name, end := range map[string]func(context.Context, string, ...drayhorse.Option) error{
		"cancelled": p.Cancel, "deleted": func(ctx context.Context, id string, _ ...drayhorse.Option) error { return a.Delete(ctx, "", id) },
	} {
		if err := end(ctx, "report"); err != nil {
			t.Fatal(name, err)
		}
		if taken := enqueue(3); !taken.Duplicate {
			t.Errorf("%s, not on request: %+v; want a duplicate", name, taken)
		}
		if next := enqueue(4, drayhorse.ReplaceEnded()); next.Duplicate || next.State != drayhorse.Available || string(next.Args) != `{"user_id":4}` {
			t.Errorf("%s, on request: %+v; want a new job", name, next)
		}
	}
	if _, err := p.Enqueue(ctx, welcome{}, drayhorse.ReplaceEnded()); !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), "ReplaceEnded without ID") {
		t.Errorf("without an ID: %v", err)
	}
}

func TestALostLookupOfADuplicateIsMadeAgain(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr)
	p := open(t, producer.Config{RedisURL: "redis://" + proxy.Addr + "/0", Namespace: redistest.Namespace(t)})
	enqueue := func() *drayhorse.Info {
		t.Helper()
		info, err := p.Enqueue(t.Context(), welcome{}, drayhorse.ID("a"))
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	enqueue()
	enqueue() // Redis knows the scripts now
	calls := 0
	proxy.CutReplies(1, func([]byte) bool { calls++; return calls == 2 })
	if info := enqueue(); !info.Duplicate || info.State != drayhorse.Available || proxy.Cuts() != 1 {
		t.Errorf("%+v after %d lost replies", info, proxy.Cuts())
	}
}

// TestEnqueueManyTakesFewConnections: many queues share them. If each asked for its
// own at once, some would wait in vain.
func TestEnqueueManyTakesFewConnections(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	p := open(t, producer.Config{RedisURL: server.URL})
	specs := make([]drayhorse.Spec, 500)
	for i := range specs {
		specs[i] = drayhorse.Spec{Args: welcome{int64(i)}, Options: []drayhorse.Option{drayhorse.Queue(fmt.Sprintf("queue%d", i))}}
	}
	infos, err := p.EnqueueMany(t.Context(), specs)
	if err != nil || len(infos) != len(specs) {
		t.Fatalf("%d infos, error %v", len(infos), err)
	}
	clients, err := server.Client(t).ClientList(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(clients, "\n"); n > 10 { // 8 groups, the look-up of queues, and this client
		t.Errorf("%d connections for 500 queues, want 10 at the most", n)
	}
}

func TestEnqueueManyKeepsTheOrderOfSpecs(t *testing.T) {
	p := setup(t)
	const n = 2500 // more than one call
	specs := make([]drayhorse.Spec, n)
	for i := range specs {
		specs[i] = drayhorse.Spec{Args: welcome{UserID: int64(i)}, Options: []drayhorse.Option{
			drayhorse.Queue([]string{"a", "b"}[i%2]), drayhorse.ID(fmt.Sprintf("job-%d", i/2%1000)),
		}}
	}
	infos, err := p.EnqueueMany(t.Context(), specs)
	if err != nil || len(infos) != n {
		t.Fatalf("%d infos, %v", len(infos), err)
	}
	for i, info := range infos {
		original := i % 2000
		if want := fmt.Sprintf(`{"user_id":%d}`, original); string(info.Args) != want || info.Duplicate != (i >= 2000) {
			t.Fatalf("info %d = %+v, want args %s", i, info, want)
		}
	}
	if infos, err := p.EnqueueMany(t.Context(), nil); err != nil || len(infos) != 0 {
		t.Errorf("none at all = %v, %v", infos, err)
	}
}

func TestOneBadSpecRefusesAll(t *testing.T) {
	p := setup(t)
	_, err := p.EnqueueMany(t.Context(), []drayhorse.Spec{
		{Args: welcome{}, Options: []drayhorse.Option{drayhorse.ID("good")}},
		{Args: drayhorse.Raw("welcome", json.RawMessage(`{`))},
	})
	if !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), "spec 1") {
		t.Errorf("err = %v, want ErrInvalid naming spec 1", err)
	}
	if _, err := p.Get(t.Context(), "good"); !errors.Is(err, drayhorse.ErrNotFound) {
		t.Errorf("the good spec: %v, want it refused with the other", err)
	}
}

func TestConcurrentEnqueuesAllArrive(t *testing.T) {
	p := setup(t)
	var wg sync.WaitGroup
	ids := make(chan string, 640)
	for range 64 {
		wg.Go(func() {
			for range 10 {
				info, err := p.Enqueue(t.Context(), welcome{})
				if err != nil {
					t.Error(err)
					return
				}
				ids <- info.ID
			}
		})
	}
	wg.Wait()
	close(ids)
	seen := map[string]bool{}
	for id := range ids {
		if seen[id] {
			t.Errorf("%s was given twice", id)
		}
		seen[id] = true
		if _, err := p.Get(t.Context(), id, drayhorse.Queue("default")); err != nil {
			t.Error(err)
		}
	}
}

func TestGetAndCancelOfUnknownJobs(t *testing.T) {
	p := setup(t)
	if _, err := p.Get(t.Context(), "nobody"); !errors.Is(err, drayhorse.ErrNotFound) {
		t.Errorf("Get = %v, want ErrNotFound", err)
	}
	if _, err := p.Get(t.Context(), "nobody", drayhorse.Queue("nowhere")); !errors.Is(err, drayhorse.ErrNotFound) {
		t.Errorf("Get in an unknown queue = %v, want ErrNotFound", err)
	}
	if err := p.Cancel(t.Context(), "nobody"); errors.Is(err, drayhorse.ErrEnded) || !errors.Is(err, drayhorse.ErrNotFound) {
		t.Errorf("Cancel = %v, want ErrNotFound", err)
	}
	if _, err := p.Get(t.Context(), "a b"); !errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("Get of an impossible ID = %v, want ErrInvalid", err)
	}
	if _, err := p.Get(t.Context(), "x", drayhorse.Retain(1)); !errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("Get with another option = %v, want ErrInvalid", err)
	}
}

func TestUnavailableWithinFiveSeconds(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p := open(t, producer.Config{RedisURL: "redis://" + l.Addr().String()})
	begun := time.Now()
	if _, err := p.Enqueue(context.Background(), welcome{}); !errors.Is(err, drayhorse.ErrUnavailable) {
		t.Errorf("err = %v, want ErrUnavailable", err)
	}
	if took := time.Since(begun); took > redistest.Stretch*5*time.Second {
		t.Errorf("it took %v, want about 5 s", took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begun = time.Now()
	if _, err := p.Enqueue(ctx, welcome{}); !errors.Is(err, drayhorse.ErrUnavailable) {
		t.Errorf("at ctx's end: err = %v, want ErrUnavailable", err)
	}
	if took := time.Since(begun); took > 4*time.Second { // well before the 5 s
		t.Errorf("it took %v, want about 100 ms", took)
	}
}

func TestCancelOfContextEndsTheWait(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	p := open(t, producer.Config{RedisURL: server.URL})
	if _, err := p.Enqueue(t.Context(), welcome{}); err != nil {
		t.Fatal(err)
	}
	server.Pause()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	begun := time.Now()
	_, err := p.Enqueue(ctx, welcome{})
	if took := time.Since(begun); !errors.Is(err, drayhorse.ErrUnavailable) || took > 4*time.Second { // well before the 5 s
		t.Errorf("err = %v after %v, want ErrUnavailable when ctx is cancelled", err, took)
	}
	server.Resume()
}

func TestConfigs(t *testing.T) {
	t.Parallel()
	ring := goredis.NewRing(&goredis.RingOptions{})
	t.Cleanup(func() { _ = ring.Close() })
	for _, test := range []struct {
		cfg  producer.Config
		says string
	}{
		{producer.Config{RedisURL: "http://x"}, "http"},
		{producer.Config{Namespace: "a b"}, `"a b"`},
		{producer.Config{MaxArgs: -1}, "-1"},
		{producer.Config{Redis: ring}, "Ring"},
	} {
		if _, err := producer.New(test.cfg); !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("err = %v, want ErrInvalid saying %s", err, test.says)
		}
	}
}

func TestClosedProducer(t *testing.T) {
	p := setup(t)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Enqueue(t.Context(), welcome{}); !errors.Is(err, drayhorse.ErrClosed) {
		t.Errorf("err = %v, want ErrClosed", err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// TestLinksLittle keeps programs that only enqueue free of the rest.
func TestLinksLittle(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", "github.com/drayhorse/drayhorse/producer").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, unwanted := range []string{"opentelemetry", "/worker", "/scheduler", "timetable", "miniredis", "zap", "cobra"} {
		if strings.Contains(string(out), unwanted) {
			t.Errorf("producer links %s", unwanted)
		}
	}
}
