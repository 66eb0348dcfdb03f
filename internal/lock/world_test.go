package lock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// belief is a time in which a contender believed, by its context, that it held
// the lock.
type belief struct {
	who      string
	token    int64
	from, to time.Time
	lost     bool // the context ended although no fault had hit the contender
}

// world is one lock, those who want it, and a history of who believed what.
type world struct {
	*fixture
	bugs     []bug
	overlaps bool // the fault allows them

	mu      sync.Mutex
	beliefs []belief
	found   []string
}

func newWorld(t *testing.T, bugs ...bug) *world {
	t.Helper()
	return &world{fixture: setup(t), bugs: bugs}
}

func (w *world) record(c belief) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.beliefs = append(w.beliefs, c)
}

func (w *world) violate(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.found = append(w.found, fmt.Sprintf(format, args...))
}

// violations says what the history shows: two holders at once, a token that does
// not rise, a healthy holder that lost its lock.
func (w *world) violations() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	found := slices.Clone(w.found)
	beliefs := slices.SortedFunc(slices.Values(w.beliefs), func(a, b belief) int { return a.from.Compare(b.from) })
	var longest belief // the belief so far that ended last
	for i, c := range beliefs {
		if c.lost {
			found = append(found, fmt.Sprintf("%s lost token %d without a fault", c.who, c.token))
		}
		if i == 0 {
			longest = c
			continue
		}
		if c.token <= beliefs[i-1].token {
			found = append(found, fmt.Sprintf("%s has token %d after %d", c.who, c.token, beliefs[i-1].token))
		}
		if c.from.Before(longest.to) && !w.overlaps {
			found = append(found, fmt.Sprintf("%s and %s held the lock together for %v",
				longest.who, c.who, min(longest.to.Sub(c.from), c.to.Sub(c.from))))
		}
		if c.to.After(longest.to) {
			longest = c
		}
	}
	return found
}

// jump moves Redis's clock, as far as this lock can tell: every expiry of a key
// comes nearer, or goes farther away.
func (w *world) jump(t *testing.T, by time.Duration) {
	t.Helper()
	keys := (&Locker{cfg: w.cfg.withDefaults()}).keys("thing")
	for _, key := range []string{keys.lease, keys.bell} {
		left, err := w.client.PTTL(t.Context(), key).Result()
		if err == nil && left > 0 {
			err = w.client.PExpire(t.Context(), key, left-by).Err()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// settle waits until the holder has outlived its TTL by far, or the others show
// that it has not.
func (w *world) settle(t *testing.T, holder *contenderUnderTest, others ...*contenderUnderTest) {
	t.Helper()
	timeout := time.After(timing.TTL * 3 / 2)
	for {
		select {
		case <-timeout:
			return
		case <-holder.ended:
			return
		case <-time.After(10 * time.Millisecond):
			for _, o := range others {
				if o.beganWithin(0) {
					return
				}
			}
		}
	}
}

// contenderUnderTest is one program that wants the lock.
type contenderUnderTest struct {
	who    string
	world  *world
	locker *Locker

	start, ended, done, stop chan struct{}
	release                  func() // closes stop

	mu     sync.Mutex
	thawed chan struct{} // closed unless frozen
	faulty bool          // has been frozen
	calls  []redis.Call
}

func (w *world) contender(t *testing.T, who string) *contenderUnderTest {
	t.Helper()
	c := &contenderUnderTest{
		who: who, world: w,
		start: make(chan struct{}), ended: make(chan struct{}), done: make(chan struct{}), stop: make(chan struct{}),
		thawed: make(chan struct{}),
	}
	c.release = sync.OnceFunc(func() { close(c.stop) })
	close(c.thawed)
	c.locker = w.locker(t)
	for _, b := range w.bugs {
		b.plant(c.locker)
	}
	c.locker.run = c.gate(c.locker.run)
	return c
}

// gate holds the calls of a frozen contender back until it wakes, and lets them
// through then, however old they are.
func (c *contenderUnderTest) gate(run func(context.Context, redis.Call) (any, error)) func(context.Context, redis.Call) (any, error) {
	return func(ctx context.Context, call redis.Call) (any, error) {
		c.mu.Lock()
		thawed := c.thawed
		c.calls = append(c.calls, call)
		c.mu.Unlock()
		select {
		case <-thawed:
		default:
			<-thawed
			ctx = context.WithoutCancel(ctx)
		}
		return run(ctx, call)
	}
}

// hold starts to want the lock, and holds it until finish.
func (c *contenderUnderTest) hold(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	go func() {
		defer close(c.done)
		err := c.locker.Do(ctx, "thing", c.work)
		if err != nil && !errors.Is(err, drayhorse.ErrLeaseLost) {
			t.Errorf("%s: %v", c.who, err)
		}
	}()
	t.Cleanup(func() { // also after a failure
		cancel()
		c.wake()
		c.release()
		<-c.done
	})
}

func (c *contenderUnderTest) work(ctx context.Context, token int64) error {
	mine := belief{who: c.who, token: token, from: time.Now()}
	close(c.start)
	select {
	case <-ctx.Done():
		mine.to = time.Now()
		mine.lost = !c.wasFrozen()
	case <-c.stop:
		mine.to = time.Now()
	}
	c.world.record(mine)
	close(c.ended)
	<-c.stop
	return nil
}

func (c *contenderUnderTest) began(t *testing.T) {
	t.Helper()
	if !c.beganWithin(redistest.Stretch * patience) {
		t.Fatalf("%s never got the lock", c.who)
	}
}

func (c *contenderUnderTest) beganWithin(d time.Duration) bool { return within(c.start, d) }
func (c *contenderUnderTest) lostWithin(d time.Duration) bool  { return within(c.ended, d) }

func within(fact <-chan struct{}, d time.Duration) bool {
	select {
	case <-fact:
		return true
	default:
	}
	select {
	case <-fact:
		return true
	case <-time.After(d):
		return false
	}
}

// finish lets the lock go, and waits until it is gone.
func (c *contenderUnderTest) finish(t *testing.T) {
	t.Helper()
	c.release()
	if !within(c.done, redistest.Stretch*patience) {
		t.Fatalf("%s did not return", c.who)
	}
}

func (c *contenderUnderTest) freeze() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.thawed, c.faulty = make(chan struct{}), true
}

func (c *contenderUnderTest) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.thawed:
	default:
		close(c.thawed)
	}
}

func (c *contenderUnderTest) wasFrozen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.faulty
}

// sent are the calls made so far.
func (c *contenderUnderTest) sent() []redis.Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}
