package redistest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestWaitSaysWhatItWaitsFor, meanwhile and in the end, with the last error.
func TestWaitSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		var said []string
		w := wait{ctx, func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }}
		err := w.until("the moon is full", func() (bool, error) { return false, errors.New("half") })
		if err == nil || !strings.Contains(err.Error(), "not within 25s: the moon is full\nhalf") {
			t.Errorf("got %v", err)
		}
		if len(said) != 2 || said[1] != "redistest: waiting for 20s: the moon is full (half)" {
			t.Errorf("said %q", said)
		}
	})
}

// TestWaitGoesOnForAsLongAsTheTestMayTake, and leaves it the time to say so.
func TestWaitGoesOnForAsLongAsTheTestMayTake(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ limit, left, want time.Duration }{
		{time.Minute, time.Hour, time.Minute},
		{time.Hour, 5 * time.Minute, 5*time.Minute - margin},
		{time.Hour, 0, time.Hour}, // no end
	} {
		synctest.Test(t, func(t *testing.T) {
			w, cancel := waitFor(timed{t, c.left}, c.limit)
			defer cancel()
			end, _ := w.ctx.Deadline()
			if got := time.Until(end); got != c.want {
				t.Errorf("waits for %v of %v with %v left, want %v", got, c.limit, c.left, c.want)
			}
		})
	}
}

// timed is a test with so much time left.
type timed struct {
	*testing.T
	left time.Duration
}

func (t timed) Deadline() (time.Time, bool) { return time.Now().Add(t.left), t.left > 0 }

func TestPortIsHeld(t *testing.T) {
	t.Parallel()
	p, err := newPort()
	if err != nil {
		t.Fatal(err)
	}
	if other, err := holdPort(p.number); err == nil {
		t.Errorf("port %v was given twice", other)
	}
	if err := p.release(); err != nil {
		t.Fatal(err)
	}
	again, err := holdPort(p.number)
	if err != nil {
		t.Skip(err) // somebody was quicker
	}
	closeAtEnd(t, again.release)
}
