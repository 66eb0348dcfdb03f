package events

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

const (
	// readEvery is how often a process looks for events while somebody listens there.
	readEvery = 250 * time.Millisecond
	// maxHeld is how many events a process holds for its listeners. One that is farther behind
	// reads them from Redis.
	maxHeld = 5000
	// maxNext is how many events Next gives, about.
	maxNext = 500
)

// Hub reads for all listeners of a process: however many they are, each event is read once.
type Hub struct {
	store *Store

	mu        sync.Mutex
	listeners int
	held      *stretch           // the latest events; nil: nothing was read yet
	err       error              // of the last read
	news      chan struct{}      // closed after a read that found something, or failed
	stop      context.CancelFunc // of the reading; nil: nobody listens
	reading   sync.WaitGroup
	closed    bool
}

// NewHub makes a hub. It reads nothing before somebody listens.
func NewHub(store *Store) *Hub { return &Hub{store: store, news: make(chan struct{})} }

// Close ends the reading, and the waits of all listeners with drayhorse.ErrClosed.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	if h.stop != nil {
		h.stop()
		h.stop = nil
	}
	h.wake()
	h.mu.Unlock()
	h.reading.Wait()
}

// wake tells all who wait that something is new. Callers hold mu.
func (h *Hub) wake() {
	close(h.news)
	h.news = make(chan struct{})
}

// Listener gets events one after the other. It is for one goroutine.
type Listener struct {
	hub   *Hub
	at    position // behind the last event that it got; the zero value: before all
	leave func()
}

// Listen gives what comes after an event, of which id is the ID; "" is what is to come, and All
// all that is kept. The error is drayhorse.ErrInvalid for the ID, ErrUnavailable or ErrClosed.
// Close it.
func (h *Hub) Listen(ctx context.Context, id string) (*Listener, error) {
	if err := ValidateID(id); err != nil {
		return nil, err
	}
	now, err := h.store.read(ctx, nil) // from here on it is kept what happens
	if err != nil {
		return nil, err
	}
	l := &Listener{hub: h}
	switch id {
	case "":
		l.at = now.to
	case All:
	default:
		l.at, _ = parsePosition(id)
	}
	if err := h.join(); err != nil {
		return nil, err
	}
	l.leave = sync.OnceFunc(h.part)
	return l, nil
}

// After is the ID of the last event that Next has given, or of the one after which it listens;
// All before the first.
func (l *Listener) After() string {
	if l.at.epoch == "" {
		return All
	}
	return l.at.String()
}

// Close ends the listening.
func (l *Listener) Close() { l.leave() }

func (h *Hub) join() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return errClosed
	}
	if h.listeners++; h.listeners == 1 {
		ctx, stop := context.WithCancel(context.Background())
		h.stop = stop
		h.reading.Go(func() { h.run(ctx) })
	}
	return nil
}

var errClosed = fmt.Errorf("%w: nobody can listen any more", drayhorse.ErrClosed)

func (h *Hub) part() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.listeners--; h.listeners == 0 && h.stop != nil {
		h.stop()
		h.stop, h.held, h.err = nil, nil, nil
	}
}

// run reads until ctx ends.
func (h *Hub) run(ctx context.Context) {
	var backoff redis.Backoff
	for ctx.Err() == nil {
		more, err := h.read(ctx)
		switch {
		case err != nil:
			backoff.Wait(ctx)
		case !more:
			backoff.Reset()
			wait(ctx, readEvery)
		}
	}
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// read reads once, and says whether there is more.
func (h *Hub) read(ctx context.Context) (more bool, err error) {
	h.mu.Lock()
	var after *position
	if h.held != nil {
		to := h.held.to
		after = &to
	}
	h.mu.Unlock()
	got, err := h.store.read(ctx, after)
	h.mu.Lock()
	defer h.mu.Unlock()
	if ctx.Err() != nil { // nobody listens, or the next reading has begun
		return false, ctx.Err()
	}
	if h.err = err; err != nil {
		h.wake()
		return false, err
	}
	if h.held == nil || h.held.to.epoch != got.to.epoch {
		h.held = got
		h.wake()
		return got.more, nil
	}
	if got.to.number < h.held.to.number { // Redis has lost the last ones
		h.held = got
		h.wake()
		return got.more, nil
	}
	if got.to != h.held.to {
		h.held.to, h.held.events = got.to, append(h.held.events, got.events...)
		if n := len(h.held.events) - maxHeld; n > 0 {
			h.held.from.number = h.held.events[n-1].number
			h.held.events = slices.Clone(h.held.events[n:])
		}
		h.wake()
	}
	return got.more, nil
}

// behind gives what is held behind a position; nil: that has to be read. news is closed
// when there may be more.
func (h *Hub) behind(at position) (got *stretch, news <-chan struct{}, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, nil, errClosed
	}
	held := h.held
	if held == nil || held.to.epoch != at.epoch || at.number < held.from.number || at.number > held.to.number {
		return nil, h.news, nil
	}
	got = &stretch{from: at, to: held.to}
	i, _ := slices.BinarySearchFunc(held.events, at.number, func(e numbered, n int64) int { return int(e.number - n - 1) })
	got.events = held.events[i:]
	if len(got.events) > maxNext {
		got.events = got.events[:maxNext]
		got.to.number = got.events[maxNext-1].number
	}
	return got, h.news, nil
}

// problem is why the last read failed; nil: it did not.
func (h *Hub) problem() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// Next waits for the next events, and gives some. Those that are left out, or not kept any more,
// are told by one of type Missed. Events are shared: they are not to be changed. The error is that
// of ctx, drayhorse.ErrUnavailable, after which it may be called again, or ErrClosed.
func (l *Listener) Next(ctx context.Context) ([]*Event, error) {
	for {
		got, news, err := l.hub.behind(l.at)
		if got == nil && err == nil {
			got, err = l.hub.store.read(ctx, &l.at)
		}
		if err != nil {
			return nil, err
		}
		if some := l.take(got); len(some) > 0 {
			return some, nil
		}
		if got.more {
			continue
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-news:
			if err := l.hub.problem(); err != nil {
				return nil, err
			}
		}
	}
}

// take gives the events of a stretch that begins where the listener is, and goes behind them.
func (l *Listener) take(got *stretch) (some []*Event) {
	fresh := l.at.epoch == "" // all that are kept are wanted, and no other
	missed := func(to, count int64) {
		if l.at.number = to; !fresh {
			some = append(some, &Event{ID: l.at.String(), At: l.hub.store.client.Now().UTC(), Type: Missed, Count: int(count)})
		}
	}
	if l.at.epoch != got.to.epoch {
		l.at = position{epoch: got.to.epoch}
		if !fresh {
			missed(0, 0) // nobody knows how many
		}
	}
	if got.to.number < l.at.number {
		missed(got.to.number, 0)
	}
	for _, e := range got.events {
		if gap := e.number - l.at.number - 1; gap > 0 {
			missed(e.number-1, gap)
		}
		l.at.number, fresh = e.number, false
		some = append(some, e.Event)
	}
	if gap := got.to.number - l.at.number; gap > 0 {
		missed(got.to.number, gap)
	}
	return some
}

// Latest says that somebody listens, and gives the last events that are kept, about n and as many
// as a call reads, in their order; one of type Missed stands for those that are left out. The
// error is drayhorse.ErrUnavailable.
func (h *Hub) Latest(ctx context.Context, n int) ([]*Event, error) {
	got, err := h.store.read(ctx, &position{latest, int64(n)})
	if err != nil {
		return nil, err
	}
	l := &Listener{hub: h, at: got.to}
	if len(got.events) > 0 {
		l.at.number = got.events[0].number - 1
	}
	all := l.take(got)
	for got.more && len(all) < n {
		if got, err = h.store.read(ctx, &l.at); err != nil {
			return nil, err
		}
		all = append(all, l.take(got)...)
	}
	return all, nil
}
