package scheduler

import (
	"context"
	"errors"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/schedules"
)

// directory knows the partitions of queues. Asking for them may take long, so it is
// done beside the rounds.
type directory struct {
	engine *jobs.Engine
	mail   *mailbox
	known  map[string][]*jobs.Partition
	wanted map[string]*inquiry
	asking bool
}

// inquiry is about a queue that is not known yet.
type inquiry struct {
	backoff redis.Backoff
	at      time.Time // when it is to be asked for
	told    bool      // and somebody knows that it fails
}

func newDirectory(engine *jobs.Engine, mail *mailbox) *directory {
	return &directory{engine: engine, mail: mail, known: map[string][]*jobs.Partition{}, wanted: map[string]*inquiry{}}
}

// partition gives the partition where a job is, or nil while its queue is not known;
// then it is asked for.
func (d *directory) partition(p schedules.Place) *jobs.Partition {
	if partitions := d.known[p.Queue]; partitions != nil {
		return jobs.PartitionOf(partitions, p.ID)
	}
	if d.wanted[p.Queue] == nil {
		d.wanted[p.Queue] = &inquiry{backoff: redis.NewBackoff(firstDelay, longestDelay), at: time.Now()}
	}
	return nil
}

// fails reports whether a queue was asked for in vain.
func (d *directory) fails(queue string) bool {
	q := d.wanted[queue]
	return q != nil && q.told
}

// failing is how many queues were asked for in vain.
func (d *directory) failing() int {
	n := 0
	for _, q := range d.wanted {
		if q.told {
			n++
		}
	}
	return n
}

// soonest is when the next queue is to be asked for; zero: there is none.
func (d *directory) soonest() time.Time {
	var at time.Time
	for _, q := range d.wanted {
		if !d.asking && (at.IsZero() || q.at.Before(at)) {
			at = q.at
		}
	}
	return at
}

// ask asks for the queues that are wanted now, if nobody does already.
func (d *directory) ask(ctx context.Context) {
	var names []string
	now := time.Now()
	for name, q := range d.wanted {
		if !q.at.After(now) {
			names = append(names, name)
		}
	}
	if d.asking || len(names) == 0 {
		return
	}
	d.asking = true
	d.mail.run(func() any { return d.look(ctx, names) })
}

// looked is what asking for queues came to.
type looked struct {
	known  map[string][]*jobs.Partition
	failed map[string]error
}

// look asks Redis, and creates queues that do not exist: that is what enqueuing does.
func (d *directory) look(ctx context.Context, names []string) *looked {
	out := &looked{known: map[string][]*jobs.Partition{}, failed: map[string]error{}}
	found, err := d.engine.Meet(ctx, names)
	for _, name := range names {
		if found[name] == nil && errors.Is(err, drayhorse.ErrUnavailable) { // not once for each of them
			out.failed[name] = err
			continue
		}
		partitions, err := d.engine.Queue(ctx, name)
		if err != nil {
			out.failed[name] = err
			continue
		}
		out.known[name] = partitions
	}
	return out
}
