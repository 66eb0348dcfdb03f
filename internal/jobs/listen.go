package jobs

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// listener is what an Inbox has while there is something to wait for: a goroutine that
// receives messages, and one that asks.
type listener struct {
	*Inbox

	wake       chan struct{}
	subscribed atomic.Bool
	failed     atomic.Pointer[error] // why it is not

	usedAt time.Time // when somebody last waited
	lookAt time.Time // when to look for jobs that were last asked about a while ago
}

// silence is after how long without a message the connection is tried; a second one ends
// it.
const silence = 5 * time.Second

// listen begins to listen, unless that has begun. Callers hold mu.
func (b *Inbox) listen() {
	if b.wake != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &listener{Inbox: b, wake: make(chan struct{}, 1), usedAt: time.Now()}
	b.wake, b.cancel = l.wake, cancel
	b.wakeListener()
	b.running.Go(func() { l.ask(ctx) })
	b.running.Go(func() { l.receive(ctx) })
}

// receive receives messages until ctx ends, over one connection after the other.
func (l *listener) receive(ctx context.Context) {
	var backoff redis.Backoff
	for ctx.Err() == nil {
		sub := l.engine.client.Subscribe(ctx, l.channel)
		stop := context.AfterFunc(ctx, func() { _ = sub.Close() })
		err := l.receiveFrom(ctx, sub, &backoff)
		stop()
		_ = sub.Close()
		l.subscribed.Store(false)
		err = redis.Wrap("subscribe", err)
		l.failed.Store(&err)
		l.wakeAsker()
		if !backoff.Wait(ctx) {
			return
		}
	}
}

func (l *listener) receiveFrom(ctx context.Context, sub *goredis.PubSub, backoff *redis.Backoff) error {
	for tried := false; ; {
		message, err := sub.ReceiveTimeout(ctx, silence)
		var network net.Error
		switch {
		case err == nil:
			tried = false
			backoff.Reset()
			l.take(message)
		case errors.As(err, &network) && network.Timeout() && !tried && l.subscribed.Load():
			tried = true
			if err := sub.Ping(ctx); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// take takes in one message.
func (l *listener) take(message any) {
	switch m := message.(type) {
	case *goredis.Subscription:
		l.mu.Lock()
		l.subscribed.Store(true)
		l.failed.Store(nil)
		for _, a := range l.awaited { // what happened before was not heard
			l.Inbox.ask(a)
		}
		l.mu.Unlock()
		l.wakeAsker()
	case *goredis.Message:
		if number, end, ok := decodeNews(m.Payload); ok {
			l.hear(number, end)
		}
	}
}

// hear takes in that something was reported of a job, or how it ended.
func (l *listener) hear(number uint64, end *ending) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.awaited[number]
	switch {
	case a == nil:
	case end == nil:
		a.tell()
	case !a.known:
		a.news = end
	default:
		l.apply(a, end)
	}
}

// apply takes in how a job ended that was known to be live. Callers hold mu.
func (b *Inbox) apply(a *awaited, end *ending) {
	switch {
	case end.event == drayhorse.EventDelete:
		b.end(a, nil, a.missing("it was deleted"))
	case end.kept:
		a.kept = true
		b.ask(a)
	default:
		b.end(a, a.part.infoOf(a.id, a.envelope, end), nil)
	}
}

func (l *listener) wakeAsker() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// ask asks about jobs until nobody waits for any more, or ctx ends.
func (l *listener) ask(ctx context.Context) {
	var backoff redis.Backoff
	timer := time.NewTimer(lingers)
	defer timer.Stop()
	for ctx.Err() == nil {
		if !l.askRound(ctx) {
			backoff.Wait(ctx) // whoever comes meanwhile is asked about with the others
			continue
		}
		backoff.Reset()
		pause, ended := l.pause(time.Now())
		if ended {
			return
		}
		timer.Reset(pause)
		select {
		case <-ctx.Done():
		case <-l.wake:
		case <-timer.C:
		}
	}
}

// pause says when to go on without being woken. It ends the listener where nobody has
// waited for anything for a while.
func (l *listener) pause(now time.Time) (pause time.Duration, ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case len(l.awaited) > 0 || len(l.over) > 0:
		l.usedAt = now
		if !l.subscribed.Load() {
			return impatience / 10, false
		}
		return max(l.lookAt.Sub(now), 0), false
	case now.Sub(l.usedAt) < lingers:
		return lingers - now.Sub(l.usedAt), false
	}
	l.Inbox.wake, l.due = nil, nil
	l.cancel()
	return 0, true
}

// askRound asks about the jobs that are due. It reports false where Redis is away.
func (l *listener) askRound(ctx context.Context) bool {
	if !l.subscribed.Load() {
		return l.giveUp(time.Now())
	}
	return l.run(ctx, l.takeDue(time.Now()))
}

// takeDue gives what is to be asked.
func (l *listener) takeDue(now time.Time) *round {
	l.mu.Lock()
	defer l.mu.Unlock()
	var due round
	for _, a := range append(l.due, l.takeOld(now)...) {
		if l.awaited[a.number] == a {
			due.add(a)
		}
	}
	for _, a := range l.over {
		due.leave(a)
	}
	l.due, l.over = nil, nil
	return &due
}

// takeOld gives the jobs that were last asked about a while ago, where it is time to look
// for some. Callers hold mu.
func (l *listener) takeOld(now time.Time) (old []*awaited) {
	if now.Before(l.lookAt) {
		return nil
	}
	l.lookAt = now.Add(LookAgainEvery)
	for _, a := range l.awaited {
		at := a.askedAt.Add(LookAgainEvery)
		switch {
		case a.due:
		case !now.Before(at):
			a.due = true
			a.tell() // to those who watch, something may be new
			old = append(old, a)
		case at.Before(l.lookAt):
			l.lookAt = at
		}
	}
	return old
}

// giveUp ends the waits for jobs that Redis was never heard of, while it cannot be
// subscribed to. It reports false if it is away.
func (l *listener) giveUp(now time.Time) bool {
	failed := l.failed.Load()
	if failed == nil {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.awaited {
		if a.askedAt.IsZero() && (now.Sub(a.since) >= impatience || errors.Is(*failed, drayhorse.ErrRefused)) {
			l.end(a, nil, *failed)
		}
	}
	return len(l.awaited) == 0
}
