package top

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/board"
)

// Of what is read.
const (
	readWithin   = 5 * time.Second  // all of it, or it has failed
	actWithin    = 10 * time.Second // what is done
	serversEvery = 10 * time.Second // INFO of the servers, which costs eight commands each
	rateStep     = 5 * time.Second
	rateSteps    = 120 // ten minutes
)

// reader reads. Nobody else may use it meanwhile: one reading begins after the other has ended.
type reader struct {
	admin     *admin.Admin
	board     *board.Board
	within    time.Duration // all of it has to be read, or it has failed
	serversAt time.Time
}

func newReader(a *admin.Admin) *reader {
	return &reader{admin: a, within: readWithin, board: board.New(a, board.Config{Step: rateStep, Steps: rateSteps, Aligned: true})}
}

// read reads what all views show, and then what one does.
func (r *reader) read(ctx context.Context, w want) (got answer) {
	got.at = time.Now()
	ctx, cancel := context.WithDeadline(ctx, got.at.Add(r.within))
	defer cancel()
	defer func() {
		if time.Since(got.at) >= r.within {
			got.err, got.wrong = r.late(got.err), r.late(got.wrong)
		}
		if p := recover(); p != nil {
			got.panicked, got.stack = p, debug.Stack()
		}
	}()
	got.ticket = w.ticket
	if got.reading, got.err = r.board.Read(ctx); got.err != nil {
		return got
	}
	if time.Since(r.serversAt) >= serversEvery {
		if got.servers, got.err = r.admin.Servers(ctx); got.err != nil && len(got.servers) == 0 {
			return got
		}
		got.err = nil // some of a Cluster answer
		r.serversAt = time.Now()
	}
	if w.fetch != nil {
		got.got, got.wrong = w.fetch(ctx, r.admin, got.reading)
	}
	return got
}

// late says of an error that came with the deadline, or after it, that it did.
func (r *reader) late(err error) error {
	if err == nil {
		return nil
	}
	why := strings.TrimPrefix(err.Error(), drayhorse.ErrUnavailable.Error()+": ")
	return fmt.Errorf("%w: not all was answered within %v: %s", drayhorse.ErrUnavailable, r.within, why)
}
