package scheduler

import (
	"flag"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/internal/schedules"
)

var scale = flag.Int("scale.schedules", 3000, "schedules of the scale test")

// Very many schedules: a replica leads and fires at once, and while nothing is due
// it asks Redis a little, however many there are.
func TestScale(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client := server.Client(t)
	r := setupAt(t, server.URL)
	declared := make([]schedules.Declaration, *scale)
	for i := range declared {
		s := Schedule{
			ID: "schedule-" + strconv.Itoa(i), Cron: fmt.Sprintf("%d %d * * *", i%60, i/60%24), Timezone: "Europe/Paris",
			Args: raw("digest"), CatchUp: CatchUpAll,
		}
		var err error
		if declared[i], err = s.declaration(); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	if _, err := r.store.Reconcile(t.Context(), schedules.Source{Name: "test", Declarations: declared}); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d schedules declared in %v; redis holds %s", *scale, time.Since(start), usedMemory(t, client))
	due := min(*scale, 1000)
	for i := range due {
		r.overdue(declared[i].ID, 24*time.Hour)
	}
	start = time.Now()
	s := r.scheduler(nil, func(c *Config) { c.Source = "" })
	r.run(s)
	redistest.Eventually(t, patience, "the first tick", func() bool { return value(t, s.metrics.fired) > 0 })
	first := time.Since(start)
	redistest.Eventually(t, patience, "all that is due", func() bool { return value(t, s.metrics.fired) >= float64(due) })
	redistest.Eventually(t, patience, "an empty outbox", func() bool {
		return client.ZCard(t.Context(), r.namespace+":{@sched}:outbox").Val() == 0
	})
	t.Logf("first tick %v after the start, %d ticks after %v; the process holds %d MB", first, due, time.Since(start), heap())
	if first > redistest.Stretch*3*time.Second {
		t.Errorf("the first tick came %v after the start, want at most 3s", first)
	}
	before, since := commands(t, client), time.Now()
	redistest.Eventually(t, patience, "idle for a while", func() bool { return time.Since(since) > 3*time.Second })
	after, took := commands(t, client), time.Since(since).Seconds()
	for name, n := range after {
		if perSecond := float64(n-before[name]) / took; perSecond > 50 {
			t.Errorf("%s %.0f times a second while nothing is due", name, perSecond)
		}
	}
	t.Logf("idle: %.1f scripts a second, %d scans", float64(after["evalsha"]-before["evalsha"])/took, after["hscan"]-before["hscan"])
	if after["hscan"] != before["hscan"] || after["hgetall"] != before["hgetall"] {
		t.Error("all schedules are read while nothing is due")
	}
}

func usedMemory(t *testing.T, client *goredis.Client) string {
	t.Helper()
	info, err := client.Info(t.Context(), "memory").Result()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(info, "used_memory_human:")
	memory, _, _ := strings.Cut(rest, "\r")
	return memory
}

// commands gives how often each command was called.
func commands(t *testing.T, client *goredis.Client) map[string]int {
	t.Helper()
	info, err := client.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]int{}
	for line := range strings.Lines(info) {
		name, rest, _ := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
		n, _, _ := strings.Cut(rest, ",")
		calls[name], _ = strconv.Atoi(n)
	}
	return calls
}

// heap gives the memory in use, in MB.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse >> 20
}
