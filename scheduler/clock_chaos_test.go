//go:build chaos

package scheduler

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

// The clock of the Redis host really jumps here, by an hour and back: a shim in
// front of redis-server shifts it. Needs gcc. No tick is enqueued twice, and none
// is lost that catch-up promises.
func TestClockJumps(t *testing.T) {
	for _, by := range []time.Duration{time.Hour, -time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			dir := t.TempDir()
			library, file := filepath.Join(dir, "clockshift.so"), filepath.Join(dir, "seconds")
			build := exec.Command("gcc", "-shared", "-fPIC", "-O1", "-o", library, "../internal/lock/testdata/clockshift.c")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("gcc: %v\n%s", err, out)
			}
			t.Setenv("CLOCKSHIFT_FILE", file)
			t.Setenv("LD_PRELOAD", library)
			server := redistest.Start(t)
			r, client := setupAt(t, server.URL), server.Client(t)
			if err := os.Unsetenv("LD_PRELOAD"); err != nil {
				t.Fatal(err)
			}
			jump := func(by time.Duration) {
				if err := os.WriteFile(file, []byte(strconv.Itoa(int(by.Seconds()))), 0o600); err != nil {
					t.Fatal(err)
				}
				now, err := client.Time(t.Context()).Result()
				if err != nil || time.Until(now.Add(-by)).Abs() > time.Minute {
					t.Fatalf("redis says %v, %v; want %v from now", now, err, by)
				}
				asked := commands(t, client)["evalsha"]
				redistest.Eventually(t, patience, "the leader has looked", func() bool { return commands(t, client)["evalsha"] > asked+20 })
			}
			for range 2 {
				r.run(r.scheduler([]Schedule{{ID: "a", Every: 10 * time.Second, Args: raw("a"), CatchUp: CatchUpAll}}))
			}
			redistest.Eventually(t, patience, "a tick", func() bool { return len(r.ticks("a")) > 0 })
			jump(by)
			if by > 0 { // all ticks of the hour are made up
				redistest.Eventually(t, patience, "the ticks of an hour", func() bool { return len(r.ticks("a")) >= 360 })
			}
			jump(0)
			if before := len(r.ticks("a")); by < 0 { // after an hour ahead, the next tick is an hour away
				redistest.Eventually(t, patience, "the next tick", func() bool { return len(r.ticks("a")) > before })
			}
			ticks := r.ticks("a")
			for i, tick := range ticks {
				if i > 0 && tick.Sub(ticks[i-1]) != 10*time.Second {
					t.Errorf("ticks %v and %v follow each other, want 10s between them", ticks[i-1], tick)
				}
			}
			t.Logf("%d ticks without a gap", len(ticks))
		})
	}
}
