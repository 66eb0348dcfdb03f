package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/httpapi"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

var loadTime = flag.Duration("load.time", 100*time.Millisecond, "how long each load of TestLoad lasts")

// TestLoad measures how many jobs a second go in over HTTP, and by the Go API, on
// the same server.
func TestLoad(t *testing.T) {
	redis := redistest.Start(t)
	d := setupOn(t, redis.URL)
	stats := redis.Client(t)
	for _, clients := range []int{1, 64} {
		api := load(t, clients, func() func() error {
			return func() error {
				_, err := d.jobs.EnqueueRaw(context.Background(), "k", json.RawMessage(`{"user_id":42}`))
				return err
			}
		})
		jobs, before := d.jobsIn("default"), calls(t, stats)
		web := load(t, clients, d.keepPosting)
		each := float64(d.jobsIn("default")-jobs) / float64(calls(t, stats)-before)
		t.Logf("%2d at once: %6.0f requests/s over HTTP, %4.1f jobs a call of Redis; %6.0f Enqueue/s in Go", clients, web, each, api)
		if web == 0 || api == 0 {
			t.Errorf("nothing goes in with %d clients", clients)
		}
	}
}

// counted counts those who enqueue.
type counted struct {
	httpapi.Jobs

	came atomic.Int64
}

func (c *counted) Enqueue(ctx context.Context, args drayhorse.Args, options ...drayhorse.Option) (*drayhorse.Info, error) {
	c.came.Add(1)
	return c.Jobs.Enqueue(ctx, args, options...)
}

func TestRequestsAtTheSameTimeShareCalls(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	jobs := &counted{}
	d := setupOn(t, redis.URL, func(c *httpapi.Config) { jobs.Jobs, c.Jobs = c.Jobs, jobs },
		limits(func(l *httpapi.Limits) { l.MaxQueues, l.MaxDepth = 0, 0 })) // nobody has to look at the queue
	d.post(`{"kind":"k","queue":"q"}`) // the queue is there
	stats := redis.Client(t)
	const clients = 64
	// On a machine that is busy some may be given up before all have come.
	d.eventually("all are answered in one round", func() bool {
		before, came := calls(t, stats), jobs.came.Load()
		redis.Pause() // so that all of them have come before the first is answered
		var refused atomic.Int64
		var posting sync.WaitGroup
		for range clients {
			posting.Go(func() {
				switch a := d.post(`{"kind":"k","queue":"q"}`); a.code {
				case http.StatusCreated:
				case http.StatusServiceUnavailable:
					refused.Add(1)
				default:
					t.Errorf("%d %s", a.code, a.body)
				}
			})
		}
		d.eventually("all have come", func() bool { return jobs.came.Load() == came+clients || refused.Load() > 0 })
		redis.Resume()
		posting.Wait()
		if n := calls(t, stats) - before; refused.Load() == 0 && n > clients/4 {
			t.Errorf("%d calls for %d jobs", n, clients)
		}
		return refused.Load() == 0
	})
}

// calls gives how many scripts a Redis has run.
func calls(t *testing.T, stats *goredis.Client) int {
	t.Helper()
	text, err := stats.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(text, "cmdstat_evalsha:calls=")
	number, _, _ := strings.Cut(after, ",")
	n, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// load gives how often a second clients do what each of them is given to do.
func load(t *testing.T, clients int, client func() func() error) float64 {
	t.Helper()
	var done atomic.Int64
	var running sync.WaitGroup
	began := time.Now()
	for range clients {
		act := client()
		running.Go(func() {
			for time.Since(began) < *loadTime {
				if err := act(); err != nil {
					t.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	running.Wait()
	return float64(done.Load()) / time.Since(began).Seconds()
}

// keepPosting opens a connection and gives a function that makes a request on it: by
// hand, since this is about the server, and net/http's client takes as much time.
func (d *door) keepPosting() func() error {
	conn := d.dial()
	in := bufio.NewReader(conn)
	const body = `{"kind":"k","args":{"user_id":42}}`
	request := fmt.Appendf(nil, "POST /v1/jobs HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", d.addr, len(body), body)
	return func() error {
		if _, err := conn.Write(request); err != nil {
			return err
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusCreated {
			return fmt.Errorf("answered with %s", resp.Status)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
}
