package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// bug is something that a worker does wrong on purpose.
type bug string

// barePop takes a job out of line and leaves no trace of it until it is done.
const barePop bug = "bare pop"

// serve is main of a worker with a bug, that goes past the engine.
func (b bug) serve(ctx context.Context, p *plan, j *journal) error {
	client, err := redis.Open(redis.Config{URL: p.URL})
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	w := &bench{name: p.Name, hands: hands{p.Dir}, journal: j}
	if err := p.ready(); err != nil {
		return err
	}
	prefix := p.Namespace + ":{default}:"
	for {
		id, err := client.RPop(ctx, prefix+"ready").Result()
		if errors.Is(err, goredis.Nil) {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		if err != nil {
			return err
		}
		text, err := client.HGet(ctx, prefix+"jobs", id).Result()
		if err != nil {
			return err
		}
		envelope, err := jobs.DecodeEnvelope(text)
		if err != nil {
			return err
		}
		client.HDel(ctx, prefix+"jobs", id)
		k, _ := kindOf(envelope.Kind)
		job := &drayhorse.Job[json.RawMessage]{ID: jobs.UnpackID(id), Kind: envelope.Kind, Args: envelope.Args, Attempt: 1}
		_ = w.run(ctx, k, job)
	}
}

// TestSabotage does what must not be done with real processes, and has the oracle
// find it.
func TestSabotage(t *testing.T) {
	t.Parallel()
	t.Run("bare pop", func(t *testing.T) {
		t.Parallel()
		r := sabotaged(t)
		r.redis()
		r.producer(20, 0, only("hold"), func(p *plan) { p.Millis = int(time.Minute.Milliseconds()) })
		r.produced()
		victim := r.start("worker", plan{Bug: barePop}, nil).awaitReady()
		r.until(patience, "it holds a job", func(h history) bool { return len(h.held(victim.plan.Name, time.Now())) > 0 })
		victim.kill()
		if v := r.look(); len(v.Faults) == 0 {
			t.Errorf("the oracle found nothing wrong: %+v", v)
		}
	})
	t.Run("retry of a push that is not repeatable", func(t *testing.T) {
		t.Parallel()
		r := sabotaged(t)
		server := r.redis()
		proxy, _ := r.proxy(server)
		r.worker().stop() // creates the queue
		proxy.CutReplies(1, redistest.Contains("lpush"))
		r.push(goredis.NewClient(&goredis.Options{Addr: proxy.Addr, MaxRetries: 3, Protocol: 2, DisableIdentity: true}))
		if proxy.Cuts() != 1 {
			t.Fatalf("%d replies lost, want 1", proxy.Cuts())
		}
		r.worker()
		r.rest(patience)
		if v := r.look(); v.valid() && len(v.Rerun) == 0 { // nobody died, so nothing explains a re-run
			t.Errorf("the oracle found nothing wrong: %+v", v)
		}
	})
}

// push enqueues a job without the engine, by commands that a client repeats when a
// reply is lost.
func (r *rig) push(client *goredis.Client) {
	r.Helper()
	defer func() { _ = client.Close() }()
	envelope := &jobs.Envelope{
		Kind: "fast", MaxAttempts: 1, Timeout: time.Minute, Retain: keep, EnqueuedAt: time.Now(), Args: []byte(`{"key":"pushed"}`),
	}
	prefix := r.namespace + ":{default}:"
	r.journal.must(event{What: attempted, Key: "pushed", Kind: "fast"})
	if err := client.HSet(r.Context(), prefix+"jobs", "pushed", envelope.Encode()).Err(); err != nil {
		r.Fatal(err)
	}
	if err := client.LPush(r.Context(), prefix+"ready", "pushed").Err(); err != nil {
		r.Fatal(err)
	}
	r.journal.must(event{What: acknowledged, Key: "pushed", Kind: "fast"})
}

// sabotaged is a rig for a row that must go wrong.
func sabotaged(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, &row{name: "sabotage"}, 1)
	r.lossy = true // what is found is for the test to judge
	return r
}

// look has the oracle judge what there is.
func (r *rig) look() *verdict {
	r.Helper()
	r.stop()
	return r.judge()
}
