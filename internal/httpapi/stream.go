package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// timedBody is the body of a batch. It ends with an error if a line takes longer
// than timeout to arrive, or when the server stops.
type timedBody struct {
	io.Reader

	control  *http.ResponseController
	stopping context.Context
	timeout  time.Duration
	timed    bool        // the time of the current line runs
	release  func() bool // lets go of the server
}

// errStopping ends a body when the server stops.
var errStopping = errors.New("the server stops")

func newTimedBody(stopping context.Context, body io.Reader, control *http.ResponseController, timeout time.Duration) *timedBody {
	b := &timedBody{Reader: body, control: control, stopping: stopping, timeout: timeout}
	b.release = context.AfterFunc(stopping, func() { _ = control.SetReadDeadline(time.Unix(1, 0)) }) // ends a Read that waits
	return b
}

// begin gives the client time for another line. It is called after each line that is not
// blank.
func (b *timedBody) begin() { b.timed = false }

func (b *timedBody) Read(p []byte) (int, error) {
	if !b.timed {
		b.timed = true
		if err := b.control.SetReadDeadline(time.Now().Add(b.timeout)); err != nil {
			return 0, err
		}
	}
	if b.stopping.Err() != nil {
		return 0, errStopping
	}
	n, err := b.Reader.Read(p)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && b.stopping.Err() != nil:
		err = errStopping
	case errors.Is(err, io.EOF):
		// net/http goes on reading, to see whether the client goes away: it has time now.
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
