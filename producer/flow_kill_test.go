package producer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

const killedQueues = 4 // over which the steps are spread

// flowWork works on sums, and writes down which job has run as which step.
func flowWork(url string) error {
	options, err := goredis.ParseURL(url)
	if err != nil {
		return err
	}
	client := goredis.NewClient(options)
	queues := map[string]int{}
	for i := range killedQueues {
		queues[fmt.Sprint("q", i)] = 1
	}
	w, err := worker.New(worker.Config{RedisURL: url, Queues: queues, Concurrency: 8})
	if err != nil {
		return err
	}
	s := &sums{}
	worker.Handle(w, func(ctx context.Context, job *drayhorse.Job[sum]) error {
		if err := client.SAdd(ctx, "ran", job.ID).Err(); err != nil {
			return err
		}
		time.Sleep(5 * time.Millisecond) // so that kills meet steps that run
		return s.handle(ctx, job)
	})
	return w.Run(context.Background())
}

// TestAFlowUnderKills: 200 steps over four queues, whose workers are killed: each step is enqueued
// once, and what they come to is what those before them have.
func TestAFlowUnderKills(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	p := open(t, producer.Config{RedisURL: server.URL})
	const layers, wide = 20, 10
	f := flow.New("large")
	var before []*flow.Step
	want := map[string]int{}
	for layer := range layers {
		var steps []*flow.Step
		for i := range wide {
			name := fmt.Sprintf("s%d-%d", layer, i)
			var of []string
			var after []*flow.Step
			want[name] = 1
			for k := range min(len(before), 1+i%3) {
				other := before[(i+k)%wide]
				of, after = append(of, other.Name), append(after, other)
				want[name] += want[other.Name]
			}
			steps = append(steps, f.Step(name, sum{Of: of}, drayhorse.Queue(fmt.Sprint("q", (layer+i)%killedQueues))).After(after...))
		}
		before = steps
	}
	workers := []*doProcess{startDo(t, "flow", server.URL), startDo(t, "flow", server.URL)}
	submit(t, p, f)
	client := server.Client(t)
	for kill := range 4 { // each as some more steps have run
		redistest.Eventually(t, 60*time.Second, fmt.Sprint("progress before kill ", kill), func() bool {
			return client.SCard(t.Context(), "ran").Val() >= int64(20+40*kill)
		})
		workers[kill%2].kill()
		workers[kill%2] = startDo(t, "flow", server.URL)
	}
	info := await(t, p, "large")
	if info.State != flow.Completed || info.Completed != layers*wide {
		t.Errorf("%+v", info)
	}
	ids := client.SMembers(t.Context(), "ran").Val()
	var known []string
	for _, s := range info.Steps {
		known = append(known, s.JobID)
		if s.Run != 1 {
			t.Errorf("step %s has run %d times", s.Name, s.Run)
		}
		var got json.RawMessage
		if err := p.FlowResult(t.Context(), "large", s.Name, &got); err != nil || string(got) != strconv.Itoa(want[s.Name]) {
			t.Errorf("step %s has come to %s, %v; want %d", s.Name, got, err, want[s.Name])
		}
	}
	slices.Sort(ids)
	slices.Sort(known)
	if !slices.Equal(ids, known) {
		t.Errorf("%d jobs have run, of %d steps", len(ids), len(known))
	}
	enqueued := 0
	for i := range killedQueues {
		n, _ := client.HGet(t.Context(), fmt.Sprintf("drayhorse:{q%d}:stats", i), "enqueued").Int()
		enqueued += n
	}
	if enqueued != layers*wide {
		t.Errorf("%d jobs were enqueued for %d steps", enqueued, layers*wide)
	}
}
