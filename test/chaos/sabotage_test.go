package chaos

import (
	"context"
	"fmt"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

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
	t.Run("finish without token", func(t *testing.T) {
		t.Parallel()
		r := sabotaged(t)
		r.redis()
		r.worker().stop() // creates the queue
		victim := r.start("worker", plan{Bug: tokenless}, nil).awaitReady()
		r.producer(1, 0, only("hold"), func(p *plan) { p.Millis = 5000 }) // longer than until it is seen
		r.until(patience, "it holds the job", func(h history) bool { return len(h.held(victim.plan.Name, time.Now())) > 0 })
		victim.freeze()
		r.worker()
		r.until(patience, "the job is done elsewhere", func(h history) bool { return len(h.of(ended)) > 0 })
		r.rest(patience)
		victim.thaw()
		r.until(patience, "the victim ends it too", func(h history) bool { return len(h.of(ended)) > 1 })
		if v := r.look(); len(v.Duplicated) == 0 {
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
		client := goredis.NewClient(&goredis.Options{Addr: proxy.Addr, MaxRetries: 3, Protocol: 2, DisableIdentity: true})
		defer func() { _ = client.Close() }()
		if err := push(t.Context(), client, r.journal, r.namespace, "pushed", "pushed"); err != nil {
			t.Fatal(err)
		}
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
func push(ctx context.Context, client goredis.Cmdable, j *journal, namespace, key, id string) error {
	envelope := &jobs.Envelope{
		Kind: "fast", MaxAttempts: 1, Timeout: time.Minute, Retain: keep, EnqueuedAt: time.Now(), Args: fmt.Appendf(nil, `{"key":%q}`, key),
	}
	prefix := namespace + ":{default}:"
	j.must(event{What: attempted, Key: key, Kind: "fast"})
	if err := client.HSet(ctx, prefix+"jobs", id, envelope.Encode()).Err(); err != nil {
		return err
	}
	if err := client.LPush(ctx, prefix+"ready", id).Err(); err != nil {
		return err
	}
	j.must(event{What: acknowledged, Key: key, Kind: "fast"})
	return nil
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
