//go:build chaos

package lock

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

// The clock of the Redis host really jumps here: a shim in front of redis-server
// shifts it. Needs gcc.
func TestClockJumps(t *testing.T) {
	clock := shiftedServer(t)
	for _, by := range []time.Duration{time.Hour, -time.Hour} {
		t.Run(by.String()+", living holder", func(t *testing.T) {
			w := clock.world(t)
			a, b := w.contender(t, "a"), w.contender(t, "b")
			a.hold(t)
			a.began(t)
			b.hold(t)
			clock.jump(t, by)
			for range 3 {
				w.settle(t, a, b)
			}
			a.finish(t)
			b.began(t)
			b.finish(t)
			w.report(t)
		})
		t.Run(by.String()+", dead holder", func(t *testing.T) {
			w := clock.world(t)
			a, b := w.contender(t, "a"), w.contender(t, "b")
			a.hold(t)
			a.began(t)
			a.freeze()
			died := time.Now()
			clock.jump(t, by)
			b.hold(t)
			b.began(t)
			if took := time.Since(died); took > timing.TTL+5*time.Second {
				t.Errorf("free after %v, want TTL %v and 5s at most", took, timing.TTL)
			}
			b.finish(t)
			a.wake()
			a.finish(t)
			w.report(t)
		})
		t.Run(by.String()+", bug: trust in key expiry", func(t *testing.T) {
			w := clock.world(t)
			w.bugs = []bug{keyExpiry}
			a, b := w.contender(t, "a"), w.contender(t, "b")
			a.hold(t)
			a.began(t)
			if by < 0 {
				a.freeze()
			}
			b.hold(t)
			clock.jump(t, by)
			if b.beganWithin(2*timing.TTL) != (by > 0) {
				t.Error("the planted bug was not noticed")
			}
			a.wake()
			clock.jump(t, 2*time.Hour) // so that b gets the lock in the end
			a.finish(t)
			b.began(t)
			b.finish(t)
		})
	}
}

func (w *world) report(t *testing.T) {
	t.Helper()
	for _, v := range w.violations() {
		t.Error(v)
	}
}

// shifted is a redis-server whose wall clock the test moves.
type shifted struct {
	url, file string
	by        time.Duration
}

func shiftedServer(t *testing.T) *shifted {
	t.Helper()
	dir := t.TempDir()
	library, file := filepath.Join(dir, "clockshift.so"), filepath.Join(dir, "seconds")
	build := exec.Command("gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, "testdata/clockshift.c")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	t.Setenv("CLOCKSHIFT_FILE", file)
	t.Setenv("LD_PRELOAD", library)
	s := &shifted{url: redistest.Start(t).URL, file: file}
	if err := os.Unsetenv("LD_PRELOAD"); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *shifted) world(t *testing.T) *world {
	t.Helper()
	return &world{fixture: at(t, s.url)}
}

// jump moves the clock, and makes sure that Redis has seen it.
func (s *shifted) jump(t *testing.T, by time.Duration) {
	t.Helper()
	s.by += by
	seconds := strconv.Itoa(int(s.by.Seconds()))
	if err := os.WriteFile(s.file, []byte(seconds), 0o600); err != nil {
		t.Fatal(err)
	}
	now, err := open(t, s.url).Time(t.Context()).Result()
	if err != nil || time.Until(now.Add(-s.by)).Abs() > time.Minute {
		t.Fatalf("redis says %v, %v; want %v from now", now, err, s.by)
	}
}
