package dashboard_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/dashboard"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/scheduler"
	"github.com/drayhorse/drayhorse/worker"
)

func TestMain(m *testing.M) { redistest.Main(m) }

const within = 20 * time.Second

// rig is a dashboard on a namespace of its own.
type rig struct {
	t              *testing.T
	url, namespace string
	admin          *admin.Admin
	jobs           *producer.Producer
	handler        http.Handler
	base           string // the address of the dashboard, with a slash at its end
	client         *http.Client
}

// setup starts a dashboard; change may change its Config.
func setup(t *testing.T, change func(*dashboard.Config)) *rig {
	t.Helper()
	t.Parallel()
	r := &rig{t: t, url: redistest.Shared(t), namespace: redistest.Namespace(t)}
	var err error
	if r.admin, err = admin.New(admin.Config{RedisURL: r.url, Namespace: r.namespace}); err != nil {
		t.Fatal(err)
	}
	if r.jobs, err = producer.New(producer.Config{RedisURL: r.url, Namespace: r.namespace}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(r.jobs.Close(), r.admin.Close()); err != nil {
			t.Error(err)
		}
	})
	cfg := dashboard.Config{Admin: r.admin}
	if change != nil {
		change(&cfg)
	}
	if r.handler, err = dashboard.New(cfg); err != nil {
		t.Fatal(err)
	}
	r.serve(r.handler, "/")
	return r
}

// serve serves a handler, at a path.
func (r *rig) serve(handler http.Handler, path string) {
	r.t.Helper()
	server := httptest.NewServer(handler)
	r.t.Cleanup(server.Close)
	r.base = server.URL + path
	r.client = server.Client()
	r.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
}

// answer is what came back.
type answer struct {
	code   int
	header http.Header
	body   string
}

// do makes a request; change may change it.
func (r *rig) do(method, path, body string, change func(*http.Request)) answer {
	r.t.Helper()
	q, err := http.NewRequestWithContext(r.t.Context(), method, r.base+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if method == http.MethodPost {
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		q.Header.Set("Origin", "http://"+q.URL.Host) // as browsers do
	}
	if change != nil {
		change(q)
	}
	resp, err := r.client.Do(q)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

func (r *rig) get(path string) answer { r.t.Helper(); return r.do(http.MethodGet, path, "", nil) }

// page gives a page that is there.
func (r *rig) page(path string) string {
	r.t.Helper()
	a := r.get(path)
	if a.code != http.StatusOK {
		r.t.Fatalf("%s: %d %s", path, a.code, a.body)
	}
	return a.body
}

// post sends a form, names and values in turn.
func (r *rig) post(path string, form ...string) answer {
	r.t.Helper()
	values := url.Values{}
	for i := 0; i < len(form); i += 2 {
		values.Add(form[i], form[i+1])
	}
	return r.do(http.MethodPost, path, values.Encode(), nil)
}

// wants complains where a text is not in a page.
func (r *rig) wants(page, body string, texts ...string) {
	r.t.Helper()
	for _, text := range texts {
		if !strings.Contains(body, text) {
			r.t.Errorf("%s has no %q:\n%s", page, text, body)
		}
	}
}

// enqueue puts a job in.
func (r *rig) enqueue(kind, args string, options ...drayhorse.Option) {
	r.t.Helper()
	if _, err := r.jobs.EnqueueRaw(r.t.Context(), kind, json.RawMessage(args), options...); err != nil {
		r.t.Fatal(err)
	}
}

// state waits until a job is in a state, by what Redis says.
func (r *rig) state(queue, id string, want drayhorse.State) {
	r.t.Helper()
	redistest.Eventually(r.t, within, id+" is "+string(want), func() bool {
		info, err := r.admin.Get(r.t.Context(), queue, id)
		return err == nil && info.State == want
	})
}

// work runs a worker of a queue with a handler of kind k until the test ends.
func (r *rig) work(queue string, handler func(ctx context.Context, job *drayhorse.Job[json.RawMessage]) error) {
	r.t.Helper()
	w, err := worker.New(worker.Config{RedisURL: r.url, Namespace: r.namespace, Queues: map[string]int{queue: 1}, Concurrency: 4})
	if err != nil {
		r.t.Fatal(err)
	}
	worker.HandleKind(w, "k", handler)
	r.run(w.Run)
}

// schedule runs a scheduler with schedules until the test ends, and waits until they are
// there.
func (r *rig) schedule(all ...scheduler.Schedule) {
	r.t.Helper()
	s, err := scheduler.New(scheduler.Config{RedisURL: r.url, Namespace: r.namespace, Source: "test"})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, one := range all {
		if err := s.Add(one); err != nil {
			r.t.Fatal(err)
		}
	}
	r.run(s.Run)
	redistest.Eventually(r.t, within, "the schedules are there and led", func() bool {
		page, err := r.admin.Schedules(r.t.Context(), "")
		leader, failed := r.admin.Leader(r.t.Context())
		return err == nil && failed == nil && len(page.Schedules) == len(all) && leader != nil
	})
}

// fail runs a worker of a queue all of whose jobs fail.
func (r *rig) fail(queue, why string) {
	r.work(queue, func(context.Context, *drayhorse.Job[json.RawMessage]) error { return errors.New(why) })
}

func (r *rig) run(work func(context.Context) error) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- work(ctx) }()
	r.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			r.t.Error(err)
		}
	})
}

// raw is a client that does what no program of ours does.
func (r *rig) raw() *redis.Client {
	r.t.Helper()
	options, err := redis.ParseURL(r.url)
	if err != nil {
		r.t.Fatal(err)
	}
	client := redis.NewClient(options)
	r.t.Cleanup(func() { _ = client.Close() })
	return client
}

func redisZ(score int64, member string) redis.Z {
	return redis.Z{Score: float64(score), Member: member}
}
