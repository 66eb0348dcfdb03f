package worker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestDeadlinesWakeForTheFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDeadlines()
		begun := time.Now()
		d.restart(begun.Add(250 * time.Millisecond))
		woken := make(chan time.Duration)
		go func() {
			for d.wait(t.Context()) {
				woken <- time.Since(begun)
				d.restart(time.Now().Add(250 * time.Millisecond))
			}
		}()
		synctest.Wait() // it sleeps
		d.note(begun.Add(100 * time.Millisecond))
		d.note(begun.Add(40 * time.Millisecond))
		d.note(begun.Add(time.Hour))
		for _, want := range []int64{40, 290, 540} {
			if at := (<-woken).Milliseconds(); at != want {
				t.Errorf("woken after %d ms, want %d", at, want)
			}
		}
	})
}

func TestDeadlinesEndWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	d := newDeadlines()
	d.restart(time.Now().Add(time.Hour))
	cancel()
	if d.wait(ctx) {
		t.Error("it is time to look, want it ended")
	}
}
