package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/logs"
	redisconn "github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/producer"
)

// How long the parts of a round may take, before the relay tries again.
const (
	databaseTime = 15 * time.Second // one statement
	pushTime     = 3 * time.Second  // one read's jobs on their way to Redis
)

// The waits of a relay that cannot go on grow between these.
const (
	firstWait = 20 * time.Millisecond
	lastWait  = 5 * time.Second
)

// Relay moves committed rows to Redis until ctx ends, and then returns nil. Any number
// of relays may run, in as many processes: one of them works, and another takes over
// within Config.Lease after its death. While Redis or the database is away, or the
// tables are not there yet, it says so in the log and goes on when it can.
//
// It uses the producer and does not close it. The error is drayhorse.ErrInvalid if there
// is none, or ErrClosed if it was closed.
func (b *Box) Relay(ctx context.Context, p *producer.Producer) error {
	if p == nil {
		return invalid("the producer is nil")
	}
	r := &relay{
		Box: b, producer: p, wakes: make(chan struct{}, 1),
		lease:   lease{box: b, holder: uuid.NewString()},
		queues:  held{log: b.log},
		trouble: outage{log: b.log, message: "the outbox waits for its database"},
	}
	if b.listen != nil {
		done := make(chan struct{})
		defer func() { <-done }()
		listening, stop := context.WithCancel(ctx)
		defer stop()
		go func() {
			defer close(done)
			r.listenOn(listening)
		}()
	}
	return r.run(ctx)
}

// relay is one call of Relay. But for wakes and listening its goroutine alone uses it.
type relay struct {
	*Box
	producer  *producer.Producer
	lease     lease
	floor     floor
	queues    held
	trouble   outage
	wakes     chan struct{}
	listening listening
}

func (r *relay) run(ctx context.Context) error {
	defer r.lease.release(ctx)
	defer r.counts.relaying.Set(0)
	backoff := redisconn.NewBackoff(firstWait, lastWait)
	for ctx.Err() == nil {
		more, err := r.round(ctx)
		switch {
		case errors.Is(err, drayhorse.ErrClosed):
			return fmt.Errorf("outbox: %w", err)
		case err != nil && ctx.Err() == nil:
			r.counts.errors.Inc()
			r.trouble.failed(err)
			backoff.Wait(ctx)
		case err == nil:
			r.trouble.over()
			backoff.Reset()
			if !more {
				r.wait(ctx)
			}
		}
	}
	return nil
}

// round moves what one read gives. more says that there is reason to look again at once.
func (r *relay) round(ctx context.Context) (more bool, err error) {
	mine, err := r.lease.hold(ctx)
	r.counts.relaying.Set(flag(mine))
	if err != nil || !mine {
		return false, err
	}
	read, err := r.read(ctx)
	if err != nil {
		return false, err
	}
	out, err := r.push(ctx, read.rows)
	// What is in Redis is deleted also at the end of ctx: nobody need look at it again.
	if settleErr := r.settle(context.WithoutCancel(ctx), out); settleErr != nil {
		return false, errors.Join(err, settleErr)
	}
	if err != nil {
		return false, err
	}
	r.floor.look(ctx, r.Box, read, len(out.done))
	return read.full, nil
}

// whileHeld is how often a relay looks for rows of other queues while some are held: it
// may have to read past many.
const whileHeld = 500 * time.Millisecond

// wait is until there is reason to look again.
func (r *relay) wait(ctx context.Context) {
	pause := r.pause()
	if until, some := r.queues.soonest(); some && r.lease.mine {
		pause = min(max(pause, whileHeld), time.Until(until))
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-r.wakes:
	}
}

func (r *relay) pause() time.Duration {
	switch {
	case !r.lease.mine:
		return r.lease.pause()
	case r.poll > 0:
		return r.poll
	case r.listening.proved.Load():
		return min(listeningPoll, r.lease.pause())
	default:
		return defaultPoll
	}
}

// outage says once that something is away, and once that it is back.
type outage struct {
	log     *slog.Logger
	message string
	since   time.Time
	said    bool
}

// sayAfter leaves short troubles unsaid, such as a database that is locked for a moment;
// the metrics count them.
const sayAfter = time.Second

func (o *outage) failed(err error) {
	if o.since.IsZero() {
		o.since = time.Now()
	}
	if !o.said && time.Since(o.since) >= sayAfter {
		o.said = true
		o.log.Warn(o.message, logs.Error, err)
	}
}

func (o *outage) over() {
	if o.said {
		o.log.Info("the outbox goes on", logs.Elapsed, time.Since(o.since))
	}
	o.since, o.said = time.Time{}, false
}

func flag(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
