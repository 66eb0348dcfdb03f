package outbox

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

func TestHeldQueuesAreTriedAgainAndForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := held{log: slog.New(slog.DiscardHandler)}
		away := &outcome{failed: map[string]error{"a": errors.New("away")}}
		h.note(away)
		if got := h.names(); len(got) != 1 || got[0] != "a" {
			t.Fatalf("held: %v", got)
		}
		at, some := h.soonest()
		if !some || time.Until(at) > firstWait {
			t.Errorf("soonest in %v", time.Until(at))
		}
		time.Sleep(lastWait)
		if got := h.names(); len(got) != 0 {
			t.Errorf("held after the wait: %v", got)
		}
		for range 20 { // waits grow, and have an end
			h.note(away)
			if at, _ := h.soonest(); time.Until(at) > lastWait {
				t.Errorf("soonest in %v", time.Until(at))
			}
		}
		h.note(&outcome{done: []*row{{queue: "a"}}})
		if len(h.queues) != 0 {
			t.Error("a queue that goes on is held")
		}
		for i := range maxHeld + 10 {
			h.note(&outcome{failed: map[string]error{fmt.Sprint(i): errors.New("away")}})
		}
		if n := len(h.names()); n != maxHeld {
			t.Errorf("%d are left out, want %d", n, maxHeld)
		}
		time.Sleep(2 * forgetAfter)
		h.names()
		if n := len(h.queues); n != 0 {
			t.Errorf("%d are remembered", n)
		}
	})
}
