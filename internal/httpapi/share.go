package httpapi

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// resource is something that there is only so much of. A caller has half of it at most,
// unless his token says otherwise: one that takes all it can leaves room for others.
type resource struct {
	size int64
	used *semaphore.Weighted
}

func newResource(size int) resource {
	return resource{int64(size), semaphore.NewWeighted(int64(size))}
}

// portion is what one caller may have of a resource.
type portion struct {
	resource

	most int64
	own  *semaphore.Weighted
}

// portion makes that of a caller: as much as his token says, else half; all of it where
// he is alone.
func (r resource) portion(says *int, alone bool) portion {
	most := (r.size + 1) / 2
	switch {
	case says != nil:
		most = min(int64(*says), r.size)
	case alone:
		most = r.size
	}
	return portion{r, most, semaphore.NewWeighted(most)}
}

// try takes n if they are free. If not it says whether it is the caller's own portion
// that is used up. give gives them back.
func (p *portion) try(n int64) (ok, ownUsedUp bool) {
	if !p.own.TryAcquire(n) {
		return false, true
	}
	if !p.used.TryAcquire(n) {
		p.own.Release(n)
		return false, false
	}
	return true, false
}

// take waits for n, in the order in which the caller's requests came. More than the
// portion is as good as all of it.
func (p *portion) take(ctx context.Context, n int64) (taken int64, ownUsedUp bool, err error) {
	n = min(n, p.most)
	if err := p.own.Acquire(ctx, n); err != nil {
		return 0, true, err
	}
	if err := p.used.Acquire(ctx, n); err != nil {
		p.own.Release(n)
		return 0, false, err
	}
	return n, false, nil
}

func (p *portion) give(n int64) {
	p.used.Release(n)
	p.own.Release(n)
}

// resources are what callers share.
type resources struct {
	limits                                        *Limits
	requests, batches, listeners, memory, parsers resource

	mu       sync.Mutex
	accounts map[Hash]*account
}

func newResources(l *Limits, processors int) *resources {
	return &resources{
		limits: l, requests: newResource(l.MaxRequests), batches: newResource(l.MaxBatches), listeners: newResource(l.MaxListeners),
		memory: newResource(l.MaxMemory), parsers: newResource(max(processors, 1)), accounts: map[Hash]*account{},
	}
}

// account is what a caller has at the moment, and what he has done since the server runs.
type account struct {
	requests, batches, listeners, memory, parsers portion

	token    *Token // that it was opened for
	alone    bool
	created  atomic.Int64 // queues
	most     int64        // of them
	refusals *rate.Limiter
	untold   atomic.Int64 // refusals that are counted and not in the log
}

// The refusals of a caller that are in the log, each a line: so many a second, and so
// many at once. Who only ever does wrong does not fill a disk.
const (
	refusalsEach  = 10
	refusalsBurst = 50
)

// of gives the account of a caller, a new one where his token has other limits now.
func (r *resources) of(who *caller) *account {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.accounts[who.SHA256]
	if a == nil || a.alone != who.alone || !sameLimits(a.token, &who.Token) {
		a = r.open(&who.Token, who.alone)
		r.accounts[who.SHA256] = a
	}
	return a
}

func (r *resources) open(t *Token, alone bool) *account {
	a := &account{
		requests: r.requests.portion(t.MaxRequests, alone), batches: r.batches.portion(t.MaxBatches, alone),
		listeners: r.listeners.portion(nil, alone),
		memory:    r.memory.portion(nil, alone), parsers: r.parsers.portion(nil, alone),
		token: t, alone: alone, refusals: rate.NewLimiter(refusalsEach, refusalsBurst), most: int64(r.limits.MaxQueues+1) / 2,
	}
	switch {
	case t.CreateQueues != nil:
		a.most = int64(*t.CreateQueues)
	case alone:
		a.most = int64(r.limits.MaxQueues)
	}
	return a
}

func sameLimits(a, b *Token) bool {
	same := func(x, y *int) bool { return x == y || x != nil && y != nil && *x == *y }
	return same(a.MaxRequests, b.MaxRequests) && same(a.MaxBatches, b.MaxBatches) && same(a.CreateQueues, b.CreateQueues)
}

// roomPatience is how long a request waits for others to make room.
const roomPatience = 2 * time.Second
