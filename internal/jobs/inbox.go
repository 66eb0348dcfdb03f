package jobs

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse"
)

// How a process hears of the jobs that it waits for.
const (
	// LookAgainEvery is how often it asks again about each of them, all the same: that is
	// how late it is where a message was lost.
	LookAgainEvery = 30 * time.Second
	// MaxAwaited is how many jobs a process waits for at once.
	MaxAwaited = 100_000

	listens    = 4 * LookAgainEvery // without asking again, before its rows are dropped
	lingers    = 5 * time.Second    // the subscription, after the last job
	impatience = 5 * time.Second    // until Redis must have answered once
)

// Inbox is where a process hears of jobs that it waits for: one subscription for all of
// them, which there is while there are any. Scripts that end a job tell those who wait; see
// await.lua. Messages can be lost, so each job is asked about when the subscription begins,
// or begins anew, and every [LookAgainEvery].
type Inbox struct {
	engine  *Engine
	channel string

	mu      sync.Mutex
	awaited map[uint64]*awaited
	byJob   map[job]*awaited
	numbers uint64
	due     []*awaited    // to be asked about
	over    []*awaited    // nobody waits for any more
	wake    chan struct{} // something is due; nil: there is no listener
	closed  bool
	running sync.WaitGroup
	cancel  context.CancelFunc // of the listener
}

// job is one as a partition has it.
type job struct {
	part *Partition
	id   string
}

// awaited is a job that calls wait for. The Inbox's mutex holds its fields, but for those
// that are set before done is closed.
type awaited struct {
	job

	number   uint64
	since    time.Time
	waits    int                    // calls that wait for its end
	watchers map[chan struct{}]bool // calls that wait for reports
	due      bool                   // it is among those to be asked about
	known    bool                   // Redis has said that it is live
	kept     bool                   // it has ended, and is in the archive
	told     string                 // what Redis was asked to tell: e, r or nothing
	askedAt  time.Time
	envelope string
	news     *ending // that came before Redis said that it is live

	done chan struct{} // closed once it has ended, or nothing can be known
	info *drayhorse.Info
	err  error
}

// NewInbox makes an Inbox. It does not connect.
func NewInbox(e *Engine) *Inbox {
	var name [8]byte
	_, _ = rand.Read(name[:]) // never fails
	return &Inbox{
		engine: e, channel: e.channelOf(hex.EncodeToString(name[:])),
		awaited: map[uint64]*awaited{}, byJob: map[job]*awaited{},
	}
}

// Wait waits until a job has ended, and says how. Connections that are lost end nothing.
// The errors are drayhorse.ErrNotFound, if nothing is known of the job, or no more;
// ErrUnavailable, if Redis has not answered once within 5 s; ErrBusy; ErrClosed; and those
// of ctx.
func (b *Inbox) Wait(ctx context.Context, p *Partition, id string) (*drayhorse.Info, error) {
	a, err := b.enter(job{p, id}, nil)
	if err != nil {
		return nil, err
	}
	defer b.leave(a, nil)
	select {
	case <-a.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for job %s: %w", UnpackID(id), ctx.Err())
	}
	if a.err != nil {
		return nil, a.err
	}
	info := *a.info // calls share it
	return &info, nil
}

// Watching is a job that a call watches.
type Watching struct {
	// News gets a value whenever there may be something new of the job: something was
	// reported, it has ended, or a message may have been lost.
	News <-chan struct{}

	inbox   *Inbox
	watched *awaited
	watcher chan struct{}
}

// Watch watches a job until Stop. The errors are drayhorse.ErrBusy and ErrClosed.
func (b *Inbox) Watch(p *Partition, id string) (*Watching, error) {
	watcher := make(chan struct{}, 1)
	a, err := b.enter(job{p, id}, watcher)
	if err != nil {
		return nil, err
	}
	return &Watching{watcher, b, a, watcher}, nil
}

// Over reports whether no more news come: the job has ended, or is not there, which is no
// error; or what the error says.
func (w *Watching) Over() (over bool, err error) {
	select {
	case <-w.watched.done:
	default:
		return false, nil
	}
	if errors.Is(w.watched.err, drayhorse.ErrNotFound) {
		return true, nil
	}
	return true, w.watched.err
}

// Stop ends the watching.
func (w *Watching) Stop() { w.inbox.leave(w.watched, w.watcher) }

// enter has a call wait for a job: for its end, or as a watcher.
func (b *Inbox) enter(j job, watcher chan struct{}) (*awaited, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, drayhorse.ErrClosed
	}
	a := b.byJob[j]
	if a == nil {
		if len(b.awaited) >= MaxAwaited {
			return nil, fmt.Errorf("%w: this process waits for %d jobs already", drayhorse.ErrBusy, len(b.awaited))
		}
		b.numbers++
		a = &awaited{job: j, number: b.numbers, since: time.Now(), done: make(chan struct{}), watchers: map[chan struct{}]bool{}}
		b.awaited[a.number], b.byJob[j] = a, a
	}
	if watcher == nil {
		a.waits++
	} else {
		a.watchers[watcher] = true
	}
	if a.told == "" || (watcher != nil && a.told != "r") {
		b.ask(a)
	}
	b.listen()
	return a, nil
}

// leave ends that a call waits.
func (b *Inbox) leave(a *awaited, watcher chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if watcher == nil {
		a.waits--
	} else {
		delete(a.watchers, watcher)
	}
	if a.waits > 0 || len(a.watchers) > 0 || b.awaited[a.number] != a {
		return
	}
	b.forget(a)
	if a.told != "" {
		b.over = append(b.over, a)
		b.wakeListener()
	}
}

// forget drops a job. Callers hold mu.
func (b *Inbox) forget(a *awaited) {
	delete(b.awaited, a.number)
	delete(b.byJob, a.job)
}

// ask has a job asked about. Callers hold mu.
func (b *Inbox) ask(a *awaited) {
	if !a.due {
		a.due = true
		b.due = append(b.due, a)
	}
	b.wakeListener()
}

func (b *Inbox) wakeListener() {
	if b.wake == nil {
		return
	}
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// end has all calls know how a job ended. Callers hold mu.
func (b *Inbox) end(a *awaited, info *drayhorse.Info, err error) {
	if b.awaited[a.number] != a {
		return
	}
	b.forget(a)
	a.info, a.err = info, err
	close(a.done)
	a.tell()
}

// tell has the watchers look.
func (a *awaited) tell() {
	for w := range a.watchers {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}

// Close ends all waits, with drayhorse.ErrClosed.
func (b *Inbox) Close() {
	b.mu.Lock()
	b.closed = true
	for _, a := range b.awaited {
		b.end(a, nil, drayhorse.ErrClosed)
	}
	if b.cancel != nil {
		b.cancel()
	}
	b.mu.Unlock()
	b.running.Wait()
}
