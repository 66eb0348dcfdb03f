package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/httpapi"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// bound is how long an answer may take while Redis is away: 5 s, and more where the
// machine is busy.
const bound = redistest.Stretch * 5 * time.Second

func TestWithoutRedisRequestsAreRefusedInTime(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]struct{ begin, end func(*redistest.Server) }{
		"killed": {(*redistest.Server).Kill, (*redistest.Server).Restart},
		"frozen": {(*redistest.Server).Pause, (*redistest.Server).Resume},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := redistest.Start(t, redistest.WithAOF())
			d := setupOn(t, redis.URL, limits(func(l *httpapi.Limits) { l.MaxDepth = 1000 }))
			if a := d.post(`{"kind":"k","queue":"q","id":"before"}`); a.code != http.StatusCreated {
				t.Fatalf("%d %s", a.code, a.body)
			}
			d.eventually("it is ready", func() bool { return d.server.Ready() == nil })
			fault.begin(redis)
			var asked sync.WaitGroup
			for _, c := range []struct{ method, path, body, kind string }{
				{"POST", "/v1/jobs", `{"kind":"k","queue":"q","id":"during"}`, "application/json"},
				{"POST", "/v1/jobs", `{"kind":"k","queue":"new"}`, "application/json"},
				{"POST", "/v1/jobs/batch", strings.Repeat(`{"kind":"k","queue":"q","id":"during"}`+"\n", 3000), "application/x-ndjson"},
				{"GET", "/v1/jobs/before", "", ""},
				{"GET", "/v1/jobs/before?queue=q", "", ""},
				{"DELETE", "/v1/jobs/before?queue=q", "", ""},
			} {
				asked.Go(func() {
					began := time.Now()
					a := d.do(c.method, c.path, c.body, "Content-Type: "+c.kind)
					took := time.Since(began)
					t.Logf("%s %s: %d after %v", c.method, c.path, a.code, took.Round(time.Millisecond))
					if a.code != http.StatusServiceUnavailable || !strings.HasSuffix(a.problem(t).Type, "#redis-unavailable") || a.header.Get("Retry-After") == "" {
						t.Errorf("%s %s: %d %s", c.method, c.path, a.code, a.body)
					}
					if took > bound {
						t.Errorf("%s %s: answered after %v", c.method, c.path, took)
					}
				})
			}
			asked.Wait()
			d.eventually("it says so", func() bool { return d.server.Ready() != nil })
			fault.end(redis)
			d.eventually("it goes on without a restart", func() bool {
				return d.post(`{"kind":"k","queue":"q","id":"after"}`).code != http.StatusServiceUnavailable
			})
			d.eventually("it says so", func() bool { return d.server.Ready() == nil })
			if a := d.do(http.MethodGet, "/v1/jobs/after", ""); a.code != http.StatusOK {
				t.Errorf("%d %s", a.code, a.body)
			}
		})
	}
}

func TestWhatWasAcceptedIsStored(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.WithAOF())
	d := setupOn(t, redis.URL)
	accepted := make(chan string, 100_000)
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				one, many := fmt.Sprintf("%d-%d", c, i), fmt.Sprintf("%d-%d-b", c, i)
				if a := d.post(`{"kind":"k","queue":"q"}`, "Idempotency-Key: "+one); a.code < 300 {
					accepted <- one
				}
				a := d.batch(strings.Repeat(`{"kind":"k","queue":"q"}`+"\n", 10), "Idempotency-Key: "+many)
				if a.code < 300 {
					for _, r := range a.results(t) {
						if r.Status < 300 {
							accepted <- r.ID
						}
					}
				}
			}
		})
	}
	for n := range 3 {
		before := len(accepted)
		d.eventually("jobs are accepted", func() bool { return len(accepted) > before+100 })
		if n < 2 {
			redis.Restart()
		}
	}
	close(stop)
	clients.Wait()
	close(accepted)
	n := 0
	for id := range accepted {
		if n++; n%7 != 0 { // some of them will do
			continue
		}
		if _, err := d.jobs.Get(t.Context(), id); err != nil {
			t.Errorf("%s was accepted: %v", id, err)
		}
	}
	t.Logf("%d jobs were accepted", n)
}

func TestABatchGoesNoFurtherThanRedis(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.WithAOF())
	d := setupOn(t, redis.URL)
	s := d.stream()
	s.send(`{"kind":"k","queue":"q","id":"1"}` + "\n")
	if r := s.result(); r.Status != http.StatusCreated {
		t.Fatalf("%+v", r)
	}
	redis.Kill()
	s.send(`{"kind":"k","queue":"q","id":"2"}` + "\n")
	if r := s.result(); r.Line != 2 || r.Status != http.StatusServiceUnavailable {
		t.Errorf("%+v", r)
	}
	redis.Restart()
	s.send(`{"kind":"k","queue":"q","id":"3"}` + "\n")
	if r := s.result(); r.Line != 3 || r.Status != http.StatusServiceUnavailable || !strings.Contains(r.Problem.Detail, "not tried") {
		t.Errorf("%+v", r)
	}
	s.end()
	d.eventually("jobs go in again", func() bool {
		return d.batch(`{"kind":"k","queue":"q","id":"4"}`).code == http.StatusOK
	})
	if a := d.do(http.MethodGet, "/v1/jobs/3", ""); a.code != http.StatusNotFound {
		t.Errorf("%d %s", a.code, a.body)
	}
}

// TestRedisThatEvictsIsNotUsed: it answers, and a client is told to come back, until
// somebody mends it.
func TestRedisThatEvictsIsNotUsed(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.WithConfig("maxmemory-policy allkeys-lru"))
	d := setupOn(t, redis.URL)
	d.eventually("it says why", func() bool {
		err := d.server.Ready()
		return err != nil && strings.Contains(err.Error(), "CONFIG SET maxmemory-policy noeviction")
	})
	for path, kind := range map[string]string{"/v1/jobs": "application/json", "/v1/jobs/batch": "application/x-ndjson"} {
		a := d.do(http.MethodPost, path, `{"kind":"k"}`, "Content-Type: "+kind)
		if a.code != http.StatusServiceUnavailable || !strings.HasSuffix(a.problem(t).Type, "#redis-unavailable") {
			t.Errorf("POST %s: %d %s", path, a.code, a.body)
		}
	}
	if err := redis.Client(t).ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err(); err != nil {
		t.Fatal(err)
	}
	d.eventually("it goes on without a restart", func() bool {
		return d.server.Ready() == nil && d.post(`{"kind":"k"}`).code == http.StatusCreated
	})
}
