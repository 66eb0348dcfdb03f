package metrics_test

import (
	"flag"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestQueuesAreMeasured(t *testing.T) {
	t.Parallel()
	r := setup(t, redistest.Shared(t), nil)
	r.enqueue(7)
	r.enqueue(3, drayhorse.In(time.Hour))
	r.enqueue(5, drayhorse.Queue("mail"), drayhorse.At(time.Now().Add(-time.Hour)))
	r.claim("default", 2)
	r.park("mail", 2)
	partitions, err := r.engine.CreateQueue(t.Context(), "wide", 3)
	if err != nil {
		t.Fatal(err)
	}
	r.enqueue(30, drayhorse.Queue("wide"))
	if err := partitions[1].Pause(t.Context(), jobs.Pause{}); err != nil {
		t.Fatal(err)
	}
	var got samples
	redistest.Eventually(t, 10*time.Second, "a scrape that Redis answers in a scrape's time", func() bool {
		got = gather(t, r.queues("default", "mail", "wide", "nowhere"))
		return len(got) > 0
	})
	for key, want := range (samples{
		"drayhorse_queue_jobs default available": 5, "drayhorse_queue_jobs default running": 2,
		"drayhorse_queue_jobs default scheduled": 3, "drayhorse_queue_jobs default retryable": 0,
		"drayhorse_queue_jobs default completed": 0, "drayhorse_queue_jobs mail available": 5,
		"drayhorse_queue_jobs wide available": 30, "drayhorse_queue_paused default": 0, "drayhorse_queue_paused wide": 1,
		"drayhorse_queue_parked default": 0, "drayhorse_queue_parked mail": 2,
	}) {
		if v, there := got[key]; !there || v != want {
			t.Errorf("%s = %v, want %v", key, v, want)
		}
	}
	for key, v := range got {
		if strings.Contains(key, "oldest") && (v < 0 || v > 60) || strings.Contains(key, "nowhere") {
			t.Errorf("%s = %v", key, v)
		}
	}
}

var (
	scrapeJobs = flag.Int("scrape.jobs", 20_000, "jobs that TestScrapeCost queues")
	scrapeSlow = flag.Int("scrape.slow", 500_000, "microseconds from which on it takes a command for slow")
)

// constant are the commands that a scrape may cost, with how many of each there may
// be for a partition. All take constant time, but for lrange and zrange, which do
// where they ask for an end.
var constant = map[string]int{
	"evalsha": 2, "time": 2, "hlen": 2, "llen": 1, "zcard": 6, "hstrlen": 8, "hget": 4,
	"lrange": 1, "lindex": 1, "hmget": 2, "zrange": 2, "hgetall": 2,
}

// quick is what the script of a scrape may take when nothing disturbs it. To go
// through 10,000 jobs takes longer.
const quick = time.Millisecond

// TestScrapeCost: few commands for a queue, each of constant time, however many jobs
// there are.
func TestScrapeCost(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.WithConfig(fmt.Sprint("slowlog-log-slower-than ", *scrapeSlow)))
	r, c := setup(t, server.URL, nil), server.Client(t)
	r.enqueue(*scrapeJobs/2, drayhorse.Queue("a"))
	r.enqueue(*scrapeJobs/2, drayhorse.Queue("a"), drayhorse.In(time.Hour))
	scrape := func() { // again if Redis did not answer in a scrape's time
		redistest.Eventually(t, 10*time.Second, "a scrape with all jobs", func() bool {
			if err := c.ConfigResetStat(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			got := gather(t, r.queues("a"))
			return got["drayhorse_queue_jobs a available"]+got["drayhorse_queue_jobs a scheduled"] == float64(*scrapeJobs)
		})
	}
	scrape() // loads the script
	if err := c.Do(t.Context(), "slowlog", "reset").Err(); err != nil {
		t.Fatal(err)
	}
	// A scrape that was given up may come to Redis late, and count for the next one: the cheapest tells.
	least, total, wrong := time.Hour, math.MaxInt, []string(nil)
	for range 20 {
		scrape()
		took, commands, more := cost(t, c)
		if least = min(least, took); commands < total {
			total, wrong = commands, more
		}
	}
	for _, w := range wrong {
		t.Error(w)
	}
	if least > quick {
		t.Errorf("a scrape keeps Redis busy for %v at best; want less than %v", least, quick)
	}
	slow, err := c.SlowLogGet(t.Context(), 10).Result()
	if err != nil || len(slow) > 0 {
		t.Errorf("slow log: %v, %v; want none", slow, err)
	}
	t.Logf("%d jobs: a scrape is %d commands and keeps Redis busy for %v; slow log: %d", *scrapeJobs, total, least, len(slow))
}

// cost is what the script of a scrape took, and how many commands were counted since
// the last reset. Those that are not the constant ones are wrong.
func cost(t *testing.T, c *goredis.Client) (took time.Duration, commands int, wrong []string) {
	t.Helper()
	stats, err := c.InfoMap(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	for name, fields := range stats["Commandstats"] {
		command := strings.TrimPrefix(name, "cmdstat_")
		if command == "info" || command == "config|resetstat" {
			continue
		}
		calls, usec := counts(t, fields)
		if limit, ok := constant[command]; !ok || calls > limit {
			wrong = append(wrong, fmt.Sprintf("%s: %d calls in a scrape; want at most %d", command, calls, limit))
		}
		if commands += calls; command == "evalsha" {
			took = time.Duration(usec) * time.Microsecond
		}
	}
	return took, commands, wrong
}

// TestScrapesShareOneRead: however many ask at once.
func TestScrapesShareOneRead(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	r, c := setup(t, server.URL, nil), server.Client(t)
	r.enqueue(1, drayhorse.Queue("a"))
	redistest.Eventually(t, 10*time.Second, "a scrape, which loads the script", func() bool {
		return gather(t, r.queues("a"))["drayhorse_queue_jobs a available"] == 1
	})
	if err := c.ConfigResetStat(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	registry, begun := r.queues("a"), time.Now()
	var scraping sync.WaitGroup
	for range 50 {
		scraping.Go(func() {
			got, there := gather(t, registry)["drayhorse_queue_jobs a available"]
			if there && got != 1 { // not there: Redis did not answer in a scrape's time
				t.Errorf("%v jobs, want 1", got)
			}
		})
	}
	scraping.Wait()
	most := 1 + int(time.Since(begun)/time.Second)
	stats, err := c.InfoMap(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	if calls, _ := counts(t, stats["Commandstats"]["cmdstat_evalsha"]); calls > 2*most { // queues, and their limits
		t.Errorf("50 scrapes make %d calls, want %d", calls, 2*most)
	}
}

// TestScrapeOfAFrozenRedis ends all the same, and tells no lengths that are stale.
func TestScrapeOfAFrozenRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	r := setup(t, server.URL, nil)
	r.enqueue(1, drayhorse.Queue("a"))
	server.Pause()
	defer server.Resume()
	begun := time.Now()
	got := gather(t, r.queues("a"))
	if took := time.Since(begun); len(got) != 0 || took > 10*time.Second {
		t.Errorf("%v after %v; want nothing after 1 s", got, took)
	}
}
