package produce

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/producer"
)

// What goes to the producer at once: enough to fill several of its calls, and
// bounded in memory whatever the lines are.
const (
	batchJobs  = 4000
	batchBytes = 4 << 20
)

// batch is a run of lines on its way to Redis.
type batch struct {
	specs []drayhorse.Spec // of the good lines that are not known to be stored
	lines []int            // the number of each
	texts [][]byte         // each as it is, where rejects are written
	bytes int              // of the good lines
	tally
	reasons []string // why lines were rejected
}

// tally is how far an import has come.
type tally struct {
	line     int   // the last line that is done with
	bytes    int64 // of the input up to there
	added    int   // jobs that are new
	known    int   // jobs whose IDs were known
	rejected int
}

func (t *tally) imported() int { return t.added + t.known }

// add takes what a batch has done.
func (t *tally) add(b tally) {
	t.line, t.bytes = b.line, b.bytes
	t.added, t.known, t.rejected = t.added+b.added, t.known+b.known, t.rejected+b.rejected
}

func (b *batch) full() bool  { return len(b.specs) >= batchJobs || b.bytes >= batchBytes }
func (b *batch) empty() bool { return len(b.specs) == 0 && b.rejected == 0 }

// enqueuer stores jobs.
type enqueuer interface {
	// EnqueueMany gives no infos if nothing was sent.
	EnqueueMany(ctx context.Context, specs []drayhorse.Spec) ([]*drayhorse.Info, error)
}

// The times of an import that finds Redis away.
const (
	patience   = time.Minute // how long it goes on trying
	retryPause = time.Second
	sayEvery   = 5 * time.Second // how often it says that it waits
	grace      = 3 * time.Second // how long it waits for an answer after it was told to stop
)

var (
	errNoAnswer = errors.New("no answer yet")
	errStopping = errors.New(cli.Stopping(fmt.Sprintf("waiting up to %v for the answer about the lines that are sent", grace)))
)

// send stores the jobs of a batch. While Redis is away it sends again what is not
// known to be stored, until patience is over or ctx ends. Lines without an ID that
// were sent are not sent again here: the producer repeats its own calls for as long,
// and one more copy might be one too many.
func (b *batch) send(ctx context.Context, p enqueuer, reject func(line int, text []byte, reason error) error, away func(error)) error {
	for giveUp := time.Now().Add(patience); len(b.specs) > 0; {
		infos, err := b.enqueue(ctx, p, away)
		settled := err == nil || producer.OnlyRejected(infos, err)
		if err := b.settle(infos, producer.Refused(err), reject); err != nil {
			return err
		}
		switch {
		case settled: // those that were rejected are duplicates
			continue
		case !errors.Is(err, drayhorse.ErrUnavailable), time.Now().After(giveUp):
			return b.unknown(err)
		case infos != nil && !errors.Is(err, drayhorse.ErrFull) && !b.repeatable():
			return b.unknown(fmt.Errorf("%w (lines without an id are not sent again)", err))
		}
		away(err)
		if !pause(ctx, retryPause) {
			return b.unknown(context.Cause(ctx))
		}
	}
	return nil
}

// enqueue makes one call. What is on the wire when ctx ends is waited for, a while.
func (b *batch) enqueue(ctx context.Context, p enqueuer, away func(error)) (infos []*drayhorse.Info, err error) {
	wire, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		infos, err = p.EnqueueMany(wire, b.specs)
	}()
	ticker := time.NewTicker(sayEvery)
	defer ticker.Stop()
	for stopped := ctx.Done(); ; {
		select {
		case <-answered:
			return infos, err
		case <-ticker.C:
			away(errNoAnswer)
		case <-stopped:
			stopped = nil
			away(errStopping)
			defer time.AfterFunc(grace, cancel).Stop()
		}
	}
}

// settle counts what is known to be stored, rejects what found its queue full, and keeps the
// others.
func (b *batch) settle(infos []*drayhorse.Info, full map[int]error, reject func(line int, text []byte, reason error) error) error {
	specs, lines, texts := b.specs[:0:0], b.lines[:0:0], b.texts[:0:0]
	for i := range b.specs {
		var text []byte
		if len(b.texts) > 0 {
			text = b.texts[i]
		}
		switch {
		case full[i] != nil:
			b.rejected++
			if err := reject(b.lines[i], text, full[i]); err != nil {
				return err
			}
		case infos == nil || infos[i] == nil:
			specs, lines = append(specs, b.specs[i]), append(lines, b.lines[i])
			if text != nil {
				texts = append(texts, text)
			}
		case infos[i].Duplicate:
			b.known++
		default:
			b.added++
		}
	}
	b.specs, b.lines, b.texts = specs, lines, texts
	return nil
}

// unknown says which lines may be stored or not.
func (b *batch) unknown(err error) error {
	return fmt.Errorf("lines %d to %d may be stored or not: %w", b.lines[0], b.lines[len(b.lines)-1], err)
}

// repeatable reports whether all jobs have IDs of their own, so that sending them
// again makes no second copies.
func (b *batch) repeatable() bool {
	for _, s := range b.specs {
		if settings, err := drayhorse.Resolve(s.Options...); err != nil || !settings.Given.Has(drayhorse.FieldID) {
			return false
		}
	}
	return true
}

// pause waits, and reports false if ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
