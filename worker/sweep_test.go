package worker_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/worker"
)

// TestTrimmingIsLoggedOnce: what an archive gives up before its time is counted, and said
// once. The archive is taken for larger than it is, since 128 MiB take long to fill.
func TestTrimmingIsLoggedOnce(t *testing.T) {
	var log logBuffer
	r := setup(t, func(c *worker.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	r.handle("another", func(context.Context, *rawJob) error { return nil })
	var ids []string
	for range 3 {
		id := r.enqueue("k").ID
		if err := r.producer.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	options, err := goredis.ParseURL(r.url)
	if err != nil {
		t.Fatal(err)
	}
	client := goredis.NewClient(options)
	defer client.Close()
	if err := client.HIncrBy(t.Context(), r.namespace+":{default}:meta", "cancelled_bytes", 128<<20).Err(); err != nil {
		t.Fatal(err)
	}
	r.start()
	redistest.Eventually(t, time.Minute, "the trimming is logged", func() bool { return log.count("archive is full") > 0 })
	r.stop()
	if !log.contains("queue=default count=3") || log.count("archive is full") != 1 {
		t.Errorf("the log does not say once that 3 jobs of queue default went:\n%s", log.String())
	}
	for _, id := range ids {
		if info, err := r.producer.Get(t.Context(), id); err == nil && info.State == drayhorse.Cancelled {
			t.Errorf("%s is there: %+v", id, info)
		}
	}
}

// TestQueuesWithoutWorkersAreSwept: a job expires also in a queue that nobody serves, and
// the worker that sweeps there is told. What has just expired is left to the queue's own
// workers, if there are any.
func TestQueuesWithoutWorkersAreSwept(t *testing.T) {
	h := &hook{}
	r := setup(t, h.set)
	r.handle("k", func(context.Context, *rawJob) error { return nil })
	queue := drayhorse.Queue("nobodys")
	long := r.enqueue("k", queue, drayhorse.StartWithin(time.Hour))
	r.makeLate("nobodys", time.Hour)
	just := r.enqueue("k", queue, drayhorse.StartWithin(time.Millisecond))
	r.start()
	redistest.Eventually(t, 2*time.Minute, "the job has expired", func() bool {
		got, err := r.producer.Get(t.Context(), long.ID, queue)
		return err == nil && got.State == drayhorse.Discarded && strings.HasPrefix(got.Errors[0].Message, "expired")
	})
	if got, err := r.producer.Get(t.Context(), just.ID, queue); err != nil || got.State != drayhorse.Available {
		t.Errorf("the one that has just expired: %+v, %v; want it left", got, err)
	}
	redistest.Eventually(t, patience, "the hook is told", func() bool { return len(h.of("k")) == 1 })
	r.stop()
	if told := h.of("k"); len(told) != 1 || told[0].ID != long.ID {
		t.Errorf("told %+v; want %s alone", told, long.ID)
	}
}

// makeLate has the time be over, since that long, in which the jobs of a queue must start.
func (r *rig) makeLate(queue string, since time.Duration) {
	r.Helper()
	options, err := goredis.ParseURL(r.url)
	if err != nil {
		r.Fatal(err)
	}
	client := goredis.NewClient(options)
	defer client.Close()
	key := r.namespace + ":{" + queue + "}:expiry"
	ids, err := client.ZRange(r.Context(), key, 0, -1).Result()
	if err != nil || len(ids) == 0 {
		r.Fatalf("jobs of %s that expire: %q, %v", queue, ids, err)
	}
	now, err := client.Time(r.Context()).Result()
	if err != nil {
		r.Fatal(err)
	}
	for _, id := range ids {
		if err := client.ZAdd(r.Context(), key, goredis.Z{Score: float64(now.Add(-since).UnixMilli()), Member: id}).Err(); err != nil {
			r.Fatal(err)
		}
	}
}
