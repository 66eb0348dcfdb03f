package scheduler

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// beside is how long schedules run beside a queue that fails.
const beside = 12 * time.Second

// each fires every second into a queue of its own name.
func each(id string) Schedule {
	return Schedule{ID: id, Every: time.Second, Args: raw("k"), Options: []drayhorse.Option{drayhorse.Queue(id)}}
}

// complete checks that a schedule of every second has lost no tick since a time, and
// has had one lately.
func (r *rig) complete(queue string, since time.Time) {
	r.Helper()
	now := time.Now()
	ticks := r.ticksIn(queue, queue)
	from, _ := slices.BinarySearchFunc(ticks, since, time.Time.Compare)
	ticks = ticks[from:]
	if len(ticks) == 0 {
		r.Errorf("%s: no tick in %v", queue, now.Sub(since))
		return
	}
	for i, tick := range ticks[1:] {
		if tick.Sub(ticks[i]) != time.Second {
			r.Errorf("%s: after tick %v came %v", queue, ticks[i], tick)
		}
	}
	if lead := ticks[0].Sub(since); lead > 2*time.Second {
		r.Errorf("%s: the first tick came %v late", queue, lead)
	}
	if late := now.Sub(ticks[len(ticks)-1]); late > 5*time.Second {
		r.Errorf("%s: no tick for %v", queue, late)
	}
	r.Logf("%s: %d ticks in %v", queue, len(ticks), now.Sub(since))
}

// A queue that takes no ticks delays its own schedules alone.
func TestBrokenQueueDelaysItsOwnSchedulesAlone(t *testing.T) {
	for name, c := range map[string]struct {
		break_, mend func(r *rig)
	}{
		"wrong type": {
			func(r *rig) { r.set("bad", "jobs") },
			func(r *rig) { r.del("bad", "jobs") },
		},
		"wrong type of the guard": {
			func(r *rig) { r.set("bad", "ticks") },
			func(r *rig) { r.del("bad", "ticks") },
		},
		"newer format": {
			func(r *rig) { r.format("bad", "99") },
			func(r *rig) { r.format("bad", "1") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := setup(t)
			c.break_(r)
			s := r.scheduler([]Schedule{each("good"), each("bad"), each("fine")})
			r.run(s)
			redistest.Eventually(t, patience, "a tick", func() bool { return len(r.ticksIn("fine", "fine")) > 0 })
			since := time.Now().Truncate(time.Second).Add(time.Second)
			redistest.Eventually(t, 10*beside, "a while", func() bool { return time.Since(since) > beside })
			r.complete("good", since)
			r.complete("fine", since)
			c.mend(r)
			redistest.Eventually(t, patience, "ticks of the queue that was mended", func() bool {
				return len(r.ticksIn("bad", "bad")) > 2
			})
			r.once("bad")
		})
	}
}

// once checks that no tick of a schedule came twice.
func (r *rig) once(queue string) {
	r.Helper()
	ticks := r.ticksIn(queue, queue)
	if n := len(slices.Compact(slices.Clone(ticks))); n != len(ticks) {
		r.Errorf("%s: %d ticks came more than once", queue, len(ticks)-n)
	}
}

// ticksIn gives the ticks of a schedule that are in line in a queue, in order.
func (r *rig) ticksIn(queue, schedule string) []time.Time {
	r.Helper()
	var ticks []time.Time
	for _, id := range r.ids(queue) {
		if name, tick, ok := strings.Cut(id, "@"); ok && name == schedule {
			ms, err := strconv.ParseInt(tick, 10, 64)
			if err != nil {
				r.Fatal(err)
			}
			ticks = append(ticks, time.UnixMilli(ms))
		}
	}
	return ticks
}

func (r *rig) key(queue, column string) string { return r.namespace + ":{" + queue + "}:" + column }

// set has a column hold what no script can read.
func (r *rig) set(queue, column string) {
	r.Helper()
	if err := r.engine.Client().Set(r.Context(), r.key(queue, column), "a text", 0).Err(); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) del(queue, column string) {
	r.Helper()
	if err := r.engine.Client().Del(r.Context(), r.key(queue, column)).Err(); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) format(queue, format string) {
	r.Helper()
	if err := r.engine.Client().HSet(r.Context(), r.key(queue, "meta"), "format", format).Err(); err != nil {
		r.Fatal(err)
	}
}
