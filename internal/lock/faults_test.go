package lock

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// A scenario is a fault and what it must not do. Every scenario also runs with
// each of its bugs planted, and must then report a violation: a test that cannot
// fail shows nothing.
var scenarios = []struct {
	name string
	run  func(*testing.T, *world)
	bugs []bug
}{
	{"holder freezes and wakes", freeze, []bug{plainDelete, blindRenew, leaderFlag}},
	{"two waiters see the same dead holder", twoHeirs, []bug{unwatchedTake}},
	{"redis's clock jumps an hour ahead", jumpAhead, []bug{keyExpiry}},
	{"holder dies, redis's clock jumps two hours back", jumpBack, []bug{keyExpiry}},
	{"redis loses its data", dataLoss, []bug{countedToken, blindRenew}},
	{"calls of a holder arrive late", lateCalls, []bug{plainDelete, blindRenew}},
}

// bug changes the calls of every contender.
type bug struct {
	name  string
	plant func(*Locker)
}

var (
	plainDelete = rewrite("release with a plain DEL", releaseScript,
		"if held[1] ~= owner or (token ~= '' and held[2] ~= token) then", "if false then")
	// What the second of two steps does after a check that a freeze has outdated.
	blindRenew = rewrite("renew in two steps", renewScript,
		"if held[1] ~= owner or held[2] ~= token then", "redis.call('HSET', lease, 'owner', owner, 'token', token, 'call', 0, 'ttl_ms', 1000)\nheld[3] = 0\nif false then")
	unwatchedTake = rewrite("take over without comparing", acquireScript,
		"holder == dead_owner and last == dead_call", "dead_owner ~= ''")
	countedToken = rewrite("token by counting", acquireScript,
		"math.max(tonumber(token or 0), tonumber(highest), now_us) + 1", "tonumber(token or 0) + 1")
	// Nothing but Redis's answer tells the holder that it has lost the lock.
	leaderFlag = bug{"leadership as a flag", func(l *Locker) { l.cfg.RenewDeadline = time.Hour }}
	// Redis's clock decides how long a lease lives, and nothing else does.
	keyExpiry = bug{"trust in key expiry", func(l *Locker) {
		run := l.run
		l.run = func(ctx context.Context, call redis.Call) (any, error) {
			switch call.Script.Name {
			case "acquire":
				call.Args[5], call.Args[7] = "", l.cfg.TTL.Milliseconds()
			case "renew":
				call.Args[3] = l.cfg.TTL.Milliseconds()
			}
			return run(ctx, call)
		}
	}}
)

// rewrite plants a bug in the text of a script.
func rewrite(name string, script *redis.Script, was, is string) bug {
	text := library.Assemble(script.Name)
	if strings.Count(text, was) != 1 {
		panic("bug " + name + " does not fit its script any more")
	}
	wrong := script.WithText(strings.Replace(text, was, is, 1))
	return bug{name, func(l *Locker) {
		run := l.run
		l.run = func(ctx context.Context, call redis.Call) (any, error) {
			if call.Script == script {
				call.Script = wrong
			}
			return run(ctx, call)
		}
	}}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s.run(t, w)
			for _, v := range w.violations() {
				t.Error(v)
			}
		})
		for _, b := range s.bugs {
			t.Run(s.name+", bug: "+b.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, b)
				s.run(t, w)
				found := w.violations()
				if len(found) == 0 {
					t.Error("the planted bug was not noticed")
				}
				t.Log(found)
			})
		}
	}
}

func freeze(t *testing.T, w *world) {
	a, b, c := w.contender(t, "a"), w.contender(t, "b"), w.contender(t, "c")
	a.hold(t)
	a.began(t)
	a.freeze()
	b.hold(t)
	b.began(t)
	a.wake()
	a.finish(t)
	c.hold(t)
	w.settle(t, b, c)
	b.finish(t)
	c.began(t)
	c.finish(t)
}

func twoHeirs(t *testing.T, w *world) {
	a, b, c := w.contender(t, "a"), w.contender(t, "b"), w.contender(t, "c")
	a.hold(t)
	a.began(t)
	a.freeze()
	// c has watched a, and is about to take over when b does.
	late := c.locker.newHold("thing")
	seen, err := late.acquire(t.Context(), mark{})
	if !errors.Is(err, ErrLocked) {
		t.Fatal(err)
	}
	b.hold(t)
	b.began(t)
	if _, err := late.acquire(t.Context(), seen.mark); err == nil {
		now := time.Now()
		w.record(belief{who: "c", token: late.token, from: now, to: now})
	}
	w.settle(t, b)
	b.finish(t)
	a.wake()
	a.finish(t)
}

func jumpAhead(t *testing.T, w *world) {
	a, b := w.contender(t, "a"), w.contender(t, "b")
	a.hold(t)
	a.began(t)
	b.hold(t)
	w.jump(t, time.Hour)
	w.settle(t, a, b)
	a.finish(t)
	b.began(t)
	b.finish(t)
}

func jumpBack(t *testing.T, w *world) {
	a, b := w.contender(t, "a"), w.contender(t, "b")
	a.hold(t)
	a.began(t)
	a.freeze()
	w.jump(t, -2*time.Hour)
	died := time.Now()
	b.hold(t)
	if !b.beganWithin(3 * timing.TTL) {
		w.violate("the lock of a dead holder was not free %v after its TTL", time.Since(died)-timing.TTL)
		a.wake()
	}
	b.began(t)
	b.finish(t)
	a.wake()
	a.finish(t)
}

// dataLoss makes two holders for a moment; which is the newer is the question.
func dataLoss(t *testing.T, w *world) {
	a, b := w.contender(t, "a"), w.contender(t, "b")
	w.overlaps = true
	a.hold(t)
	a.began(t)
	a.freeze()
	w.forget(t)
	b.hold(t)
	b.began(t)
	a.wake()
	if !a.lostWithin(2 * timing.TTL) {
		w.violate("the older of two holders did not notice")
	}
	a.finish(t)
	w.settle(t, b)
	b.finish(t)
}

// lateCalls repeats the renewal and the release of a holder after another took
// the lock, as a network that delivers late does.
func lateCalls(t *testing.T, w *world) {
	a, b, c := w.contender(t, "a"), w.contender(t, "b"), w.contender(t, "c")
	a.hold(t)
	a.began(t)
	redistest.Eventually(t, patience, "a renewal", func() bool { return len(a.sent()) > 1 })
	a.finish(t)
	b.hold(t)
	b.began(t)
	c.hold(t)
	for _, call := range a.sent() {
		if call.Script.Name == "acquire" {
			continue
		}
		if _, err := a.locker.run(t.Context(), call); err == nil {
			w.violate("a late %s was accepted", call.Script.Name)
		} else if !strings.HasPrefix(err.Error(), "LEASELOST") {
			t.Error(err)
		}
	}
	w.settle(t, b, c)
	b.finish(t)
	c.began(t)
	c.finish(t)
}

// The checking function itself.
func TestViolations(t *testing.T) {
	t.Parallel()
	start := time.Now()
	at := func(who string, token int64, from, to time.Duration) belief {
		return belief{who: who, token: token, from: start.Add(from), to: start.Add(to)}
	}
	unjust := at("a", 1, 0, 2)
	unjust.lost = true
	tests := []struct {
		name    string
		beliefs []belief
		want    int
	}{
		{"one after the other", []belief{at("a", 1, 0, 2), at("b", 2, 2, 4)}, 0},
		{"overlap", []belief{at("a", 1, 0, 3), at("b", 2, 2, 4)}, 1},
		{"within", []belief{at("a", 1, 0, 9), at("b", 2, 2, 4), at("c", 3, 5, 6)}, 2},
		{"token falls", []belief{at("a", 2, 0, 2), at("b", 1, 2, 4)}, 1},
		{"token repeats", []belief{at("a", 2, 0, 2), at("b", 2, 2, 4)}, 1},
		{"lost without a fault", []belief{unjust}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // in any order
				w := &world{beliefs: slices.Clone(tt.beliefs)}
				if got := w.violations(); len(got) != tt.want {
					t.Errorf("got %q, want %d", got, tt.want)
				}
				slices.Reverse(tt.beliefs)
			}
		})
	}
}
