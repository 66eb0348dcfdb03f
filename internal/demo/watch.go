package demo

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/scheduler"
)

// seen is what the demo has seen so far.
type seen struct {
	imported bool      // the producer had ended before the last look
	done     int64     // files that are digested
	moved    time.Time // when that last changed, or somebody else led
	rescued  bool
	wall     time.Duration // until all files were digested; 0: not yet
	leader   scheduler.Leader
	changes  int       // of the leader
	tick     time.Time // of the last report
	schedule time.Time // when the schedulers were looked at
}

// patience is how long the demo goes on while nothing moves. A rescue takes some
// nine seconds of it, and a machine that is busy with other things more than a minute.
const patience = 5 * time.Minute

var errStalled = fmt.Errorf("no file was digested for %v", patience)

// await watches until fact, which gets the queue of the files, is true. It tells
// what happens meanwhile, and reports a process that failed.
func (d *demo) await(ctx context.Context, fact func(q *admin.Queue) (bool, error)) error {
	d.seen.moved = time.Now()
	return until(ctx, math.MaxInt64, "", func() (bool, error) {
		if err := d.stage.check(); err != nil {
			return false, err
		}
		if err := d.noticeSchedule(ctx); err != nil {
			return false, err
		}
		// Before the look: what is imported after it is not in it.
		d.seen.imported = d.producer != nil && d.producer.hasExited()
		q, err := look(ctx, d.admin)
		if err != nil {
			return false, err
		}
		d.notice(q)
		if time.Since(d.seen.moved) > patience {
			return false, errStalled
		}
		return fact(q)
	})
}

// notice sees what has become of the files.
func (d *demo) notice(q *admin.Queue) {
	if done := q.Totals["completed"]; done != d.seen.done {
		d.seen.done, d.seen.moved = done, time.Now()
	}
	if rescued := q.Totals["rescued"]; rescued > 0 && !d.seen.rescued {
		d.seen.rescued = true
		d.console.event("%s of %s rescued %.1fs after it was killed, for %s to run again",
			count(int(rescued), "job"), d.doomed.name, time.Since(d.killed).Seconds(), d.survivor.name)
	}
	if !d.begin.IsZero() {
		d.console.progress(int(d.seen.done), len(d.paths), time.Since(d.begin))
	}
}

// scheduleEvery is the time between two looks at the schedulers' work, which costs
// the server more than a look at the files.
const scheduleEvery = 200 * time.Millisecond

// noticeSchedule sees what the schedulers do, if it is time to.
func (d *demo) noticeSchedule(ctx context.Context) error {
	if time.Since(d.seen.schedule) < scheduleEvery {
		return nil
	}
	d.seen.schedule = time.Now()
	if err := d.noticeLeader(ctx); err != nil {
		return err
	}
	return d.noticeReport(ctx)
}

// noticeLeader sees which scheduler leads. A term is one leadership.
func (d *demo) noticeLeader(ctx context.Context) error {
	leader, err := d.watcher.Leader(ctx)
	if err != nil || leader.Term == d.seen.leader.Term || leader.Identity == "" {
		return err
	}
	if d.seen.leader.Term > 0 {
		d.seen.changes++
	}
	d.seen.leader, d.seen.moved = leader, time.Now()
	d.console.event("%s leads", leader.Identity)
	return nil
}

// noticeReport sees what the periodic job says.
func (d *demo) noticeReport(ctx context.Context) error {
	text, tick, err := report(ctx, d.admin)
	if err != nil || !tick.After(d.seen.tick) {
		return err
	}
	d.seen.tick = tick
	d.console.event("periodic job of %s: %s", tick.Local().Format(time.TimeOnly), text)
	return nil
}

// drained reports whether all is imported and nothing waits or runs.
func (d *demo) drained(q *admin.Queue) bool {
	return d.seen.imported && q.Scheduled+q.Available+q.Running+q.Retryable == 0
}

// percent is the part of all files that are digested.
func (d *demo) percent(q *admin.Queue) int { return int(q.Totals["completed"]) * 100 / len(d.paths) }
