package chaos

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse/internal/redis"
)

const (
	// twoSteps looks whether the lock is its own, and then renews it.
	twoSteps bug = "renew in two steps"
	// plainDel releases the lock, whosever it has become.
	plainDel bug = "release with a plain DEL"
)

// textbook is a scheduler as it is often written: a lock that ends by itself says who
// fires, and nothing guards what is fired. Its ticks are tenths of a second.
type textbook struct {
	plan    *plan
	hands   *hands
	client  *redis.Client
	journal *journal
	renewed time.Time // zero: it does not lead
	fired   int64     // the last tick
}

// The time to live is long, so that a busy machine does not make two leaders of those
// that have no bug.
const (
	textbookTTL   = 30 * time.Second
	textbookRenew = 2 * time.Second
)

// ifMine does something to the lock in one step with the look at whose it is.
const ifMine = `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end `

func (t *textbook) key(name string) string { return t.plan.Namespace + ":{@textbook}:" + name }

// lead is main of a textbook scheduler.
func (b bug) lead(ctx context.Context, p *plan, j *journal) error {
	client, err := redis.Open(redis.Config{URL: p.URL})
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	t := &textbook{plan: p, hands: &hands{p.Dir}, client: client, journal: j}
	t.hands.once("up " + p.Name)
	for ctx.Err() == nil {
		if err := t.step(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	if t.renewed.IsZero() {
		return nil
	}
	return t.release(context.WithoutCancel(ctx))
}

// step acquires the lock or renews it, and fires if that went well.
func (t *textbook) step(ctx context.Context) (err error) {
	var leads bool
	switch {
	case t.renewed.IsZero():
		leads, err = t.client.SetNX(ctx, t.key("lock"), t.plan.Name, textbookTTL).Result()
		if leads {
			t.fired, _ = t.client.Get(ctx, t.key("fired")).Int64() // 0 before the first tick
			_ = t.plan.ready()
		}
	case time.Since(t.renewed) > textbookRenew:
		leads, err = t.renew(ctx)
	default:
		return t.fire(ctx)
	}
	if err != nil || !leads {
		t.renewed = time.Time{}
		return err
	}
	t.renewed = time.Now()
	return t.fire(ctx)
}

func (t *textbook) renew(ctx context.Context) (bool, error) {
	holder, err := t.client.Get(ctx, t.key("lock")).Result()
	if err != nil && !errors.Is(err, goredis.Nil) {
		return false, err
	}
	t.stumble("renewal")
	if t.plan.Bug == twoSteps && holder == t.plan.Name {
		return true, t.client.Set(ctx, t.key("lock"), t.plan.Name, textbookTTL).Err()
	}
	return t.client.Eval(ctx, ifMine+`return redis.call('PEXPIRE', KEYS[1], ARGV[2])`,
		[]string{t.key("lock")}, t.plan.Name, textbookTTL.Milliseconds()).Bool()
}

func (t *textbook) release(ctx context.Context) error {
	t.stumble("release")
	if t.plan.Bug == plainDel {
		return t.client.Del(ctx, t.key("lock")).Err()
	}
	return t.client.Eval(ctx, ifMine+`return redis.call('DEL', KEYS[1])`, []string{t.key("lock")}, t.plan.Name).Err()
}

// stumble is a pause of the whole process at the step that the plan names, until
// another one has led and fired.
func (t *textbook) stumble(step string) {
	if t.plan.Stumble != step || !t.hands.once("stumbled") {
		return
	}
	for !t.hands.exists("another fired") {
		time.Sleep(10 * time.Millisecond)
	}
	t.hands.once("goes on")
}

// fire enqueues a job for the first tick that has come since the last. Others wait for
// the next step, which may be to renew the lock.
func (t *textbook) fire(ctx context.Context) error {
	now := time.Now().UnixMilli() / 100
	if t.fired == 0 {
		t.fired = now - 1
	}
	if t.fired < now {
		key := fmt.Sprintf("tick@%d", t.fired+1)
		if err := push(ctx, t.client, t.journal, t.plan.Namespace, key, t.plan.Name+"-"+key); err != nil {
			return err
		}
		t.fired++
	}
	if t.plan.Stumble == "" {
		t.hands.once("another fired")
	}
	return t.client.Set(ctx, t.key("fired"), t.fired, 0).Err()
}

// TestSabotagedLeaders has a leader of textbook schedulers stumble in the midst of a step
// on its lock, until another one leads: where that step is wrong, two lead.
func TestSabotagedLeaders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		bug  bug
		step string
	}{{twoSteps, "renewal"}, {"", "renewal"}, {plainDel, "release"}, {"", "release"}} {
		t.Run(fmt.Sprintf("%q at the %s", c.bug, c.step), func(t *testing.T) {
			t.Parallel()
			r := sabotaged(t)
			r.redis()
			r.worker()
			first := r.start("textbook", plan{Bug: c.bug, Stumble: c.step}, nil).awaitReady()
			for range 2 {
				other := r.start("textbook", plan{Bug: c.bug}, nil)
				r.until(patience, "another one is up", func(history) bool { return r.hands().exists("up " + other.plan.Name) })
			}
			if c.step == "release" {
				first.stop()
			}
			r.until(patience, "the leader goes on", func(history) bool { return r.hands().exists("goes on") })
			at := time.Now()
			r.until(patience, "the others fire", func(h history) bool { return h.next(acknowledged, at.Add(textbookRenew)) > 0 })
			for _, c := range r.children[1:] {
				c.stop()
			}
			r.rest(patience)
			if v := r.look(); len(v.Duplicated) > 0 != (c.bug != "") {
				t.Errorf("bug %q, and the oracle found %+v", c.bug, v)
			}
		})
	}
}
