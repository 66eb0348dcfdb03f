package httpapi

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/drayhorse/drayhorse/admin"
)

// queues bound how many queues there are, and how many jobs they have.
type queues struct {
	source    Queues
	maxDepth  int // 0: any number
	maxQueues int // 0: any number

	counting singleflight.Group // of count: who may ask is decided by what it gives

	mu      sync.Mutex
	known   map[string]*queue
	total   int       // queues, at the last look and those created here since
	counted time.Time // when that look was
}

// queue is what is known of one that exists.
type queue struct {
	jobs    int       // at the last look, and those put in here since
	looked  time.Time // when it was
	looking bool      // somebody is at it: others go by what was
}

// lookAge is how long a look counts: one a second costs nothing beside the jobs that can
// be put in meanwhile.
const lookAge = time.Second

// maxKnown is how many queues are remembered; clients choose their names.
const maxKnown = 1000

func newQueues(source Queues, l *Limits) *queues {
	return &queues{source: source, maxDepth: l.MaxDepth, maxQueues: l.MaxQueues, known: map[string]*queue{}}
}

// admit counts jobs that are about to be put in queues, one for each name, and says for
// each whether it may: its queue is not full, and is there or may be created. The other
// error is that nobody knows.
func (q *queues) admit(ctx context.Context, who *call, names ...string) ([]error, error) {
	refused := make([]error, len(names))
	if q.maxDepth == 0 && q.maxQueues == 0 && who.CreateQueues == nil {
		return refused, nil
	}
	old := q.old(names)
	var found []*admin.Queue
	var total int
	if len(old) > 0 {
		var err error
		if found, total, err = q.source.Look(ctx, old...); err != nil {
			q.forgo(old)
			return nil, err
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(old) > 0 {
		q.learn(old, found, total)
	}
	for i, name := range names {
		refused[i] = q.enter(who, name)
	}
	return refused, nil
}

// old gives the names of which too little is known.
func (q *queues) old(names []string) []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	old := map[string]bool{}
	for _, name := range names {
		known := q.known[name]
		if known == nil {
			old[name] = true
		} else if time.Since(known.looked) > lookAge && !known.looking {
			known.looking, old[name] = true, true
		}
	}
	return slices.Collect(maps.Keys(old))
}

// forgo gives up a look.
func (q *queues) forgo(names []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, name := range names {
		if known := q.known[name]; known != nil {
			known.looking = false
		}
	}
}

// learn takes over a look. Callers hold mu.
func (q *queues) learn(names []string, found []*admin.Queue, total int) {
	now := time.Now()
	q.total, q.counted = total, now
	for i, name := range names {
		if found[i] == nil {
			delete(q.known, name)
			continue
		}
		q.remember(name, &queue{jobs: unended(found[i]), looked: now})
	}
}

// remember keeps what is known of a queue, in the place of another's once there are too
// many. Callers hold mu.
func (q *queues) remember(name string, known *queue) {
	for other := range q.known {
		if len(q.known) < maxKnown {
			break
		}
		delete(q.known, other)
	}
	q.known[name] = known
}

// enter counts one job. Callers hold mu.
func (q *queues) enter(who *call, name string) error {
	known := q.known[name]
	if known == nil {
		if err := q.create(who, name); err != nil {
			return err
		}
		known = &queue{looked: time.Now()}
		q.remember(name, known)
	}
	if q.maxDepth > 0 && known.jobs >= q.maxDepth {
		return queueFull.later(lookAge, "queue", "queue %q has %d jobs; no more are taken from max_depth %d on", name, known.jobs, q.maxDepth)
	}
	known.jobs++
	return nil
}

// create counts a queue that is about to come into being. Callers hold mu.
func (q *queues) create(who *call, name string) error {
	if who.CreateQueues != nil && *who.CreateQueues == 0 {
		return forbidden.in("queue", "queue %q does not exist, and token %q may not create it", name, who.Name)
	}
	if q.maxQueues > 0 && q.total >= q.maxQueues {
		return tooManyQueues.in("queue", "queue %q does not exist, and %d others do; max_queues is %d", name, q.total, q.maxQueues)
	}
	if limited := q.maxQueues > 0 || who.CreateQueues != nil; limited && who.account.created.Load() >= who.account.most {
		return tooManyQueues.in("queue", "queue %q does not exist, and token %q has created %d; create_queues is %d", name, who.Name, who.account.created.Load(), who.account.most)
	}
	who.account.created.Add(1)
	q.total++
	return nil
}

// count gives how many queues there are. Those who ask at the same time share one look.
func (q *queues) count(ctx context.Context) (int, error) {
	q.mu.Lock()
	total, fresh := q.total, time.Since(q.counted) <= lookAge
	q.mu.Unlock()
	if fresh {
		return total, nil
	}
	counted, err, _ := q.counting.Do("", func() (any, error) {
		_, total, err := q.source.Look(ctx)
		if err != nil {
			return 0, err
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		q.total, q.counted = total, time.Now()
		return total, nil
	})
	return counted.(int), err
}

// unended are the jobs of a queue that have not ended.
func unended(q *admin.Queue) int { return q.Scheduled + q.Available + q.Running + q.Retryable }
