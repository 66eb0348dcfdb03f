package schedules

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// job gives a job of queue default.
func (w *world) job(t *testing.T, p Place) *drayhorse.Info {
	t.Helper()
	partitions, err := w.engine.Queue(t.Context(), p.Queue)
	if err != nil {
		t.Fatal(err)
	}
	info, err := jobs.PartitionOf(partitions, p.ID).Get(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestTrigger(t *testing.T) {
	conform(t, func(t *testing.T, w *world) {
		id := strings.Repeat("long", MaxID/4)
		if err := w.Add(w.ctx, each(id), false); err != nil {
			t.Fatal(err)
		}
		if err := w.Pause(w.ctx, id); err != nil {
			t.Fatal(err)
		}
		a, err := w.Trigger(w.ctx, w.engine, id)
		if err != nil {
			t.Fatal(err)
		}
		b, err := w.Trigger(w.ctx, w.engine, id)
		if err != nil || a == b {
			t.Errorf("triggered %v and %v, %v; want two jobs", a, b, err)
		}
		info := w.job(t, a)
		if info.Kind != "k" || time.Since(info.Tick).Abs() > time.Minute || drayhorse.ValidateID(info.ID) != nil {
			t.Errorf("job = %+v, want one of now", info)
		}
		events, err := w.History(w.ctx, w.engine, id)
		if err != nil || len(events) != 2 || events[0].Outcome != Triggered || events[1].JobID != a.ID || events[1].State != drayhorse.Available {
			t.Errorf("history = %+v, %v; want both, the latest first", events, err)
		}
		if _, err := w.Trigger(w.ctx, w.engine, "nobody"); !errors.Is(err, drayhorse.ErrNotFound) {
			t.Errorf("trigger of nobody: %v, want ErrNotFound", err)
		}
	})
}

func TestBackfill(t *testing.T) {
	conform(t, func(t *testing.T, w *world) {
		if err := w.Add(w.ctx, each("a"), false); err != nil {
			t.Fatal(err)
		}
		from := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
		for _, want := range []Filled{{Enqueued: 1201}, {Duplicates: 1201}} {
			got, err := w.Backfill(w.ctx, w.engine, "a", from, from.Add(20*time.Minute))
			if err != nil || got != want {
				t.Errorf("backfill: %+v, %v; want %+v", got, err, want)
			}
		}
		info := w.job(t, Place{"default", "a@1577934245000:backfill"})
		if !info.Tick.Equal(from) {
			t.Errorf("tick %v, want %v", info.Tick, from)
		}
		for want, to := range map[string]time.Time{
			"more than 10000 ticks": from.AddDate(1, 0, 0), "is before from": from.Add(-time.Second), "no tick of": from.Add(time.Millisecond),
		} {
			start := from
			if want == "no tick of" {
				start = from.Add(time.Millisecond)
			}
			if _, err := w.Backfill(w.ctx, w.engine, "a", start, to); !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), want) {
				t.Errorf("backfill to %v: %v, want ErrInvalid with %q", to, err, want)
			}
		}
	})
}

func TestAdd(t *testing.T) {
	conform(t, func(t *testing.T, w *world) {
		if err := w.Add(w.ctx, each("a"), false); err != nil {
			t.Fatal(err)
		}
		if err := w.Add(w.ctx, each("a"), false); !errors.Is(err, drayhorse.ErrDuplicate) {
			t.Errorf("add again: %v, want ErrDuplicate", err)
		}
		if err := w.Add(w.ctx, Declaration{ID: "b"}, false); !errors.Is(err, drayhorse.ErrInvalid) {
			t.Errorf("add an empty one: %v, want ErrInvalid", err)
		}
		if err := w.have("a"); err != nil {
			t.Error(err)
		}
	})
}

// What is stored is read back as it was.
func TestDeclarationRoundTrip(t *testing.T) {
	t.Parallel()
	d := Declaration{
		ID: "a", Cron: "0 3 * * *", Timezone: "Europe/Paris", Start: time.Unix(1, 0).UTC(), End: time.Unix(1e9, 0).UTC(),
		Jitter: time.Minute, Kind: "k", Args: []byte(`{"n":12345678901234567890}`), Queue: "q", MaxAttempts: 3,
		Timeout: time.Second, Retain: time.Hour, CatchUp: CatchUpAll, CatchUpWindow: time.Hour, CatchUpMax: 7, Overlap: OverlapQueue,
	}
	if err := d.Settle(); err != nil {
		t.Fatal(err)
	}
	text, err := d.encode()
	if err != nil {
		t.Fatal(err)
	}
	r, err := ParseRecord("12|source|" + text)
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.encode()
	if err != nil || again != text || r.Source != "source" || r.Revision != "12" || string(r.Args) != string(d.Args) {
		t.Errorf("read back: %s, %v; want %s", again, err, text)
	}
	for _, raw := range []string{"", "1", "1|s", "1|s|", "1|s|{", `1|s|{"every":"x"}`} {
		if _, err := ParseRecord(raw); !errors.Is(err, errRecord) {
			t.Errorf("%q: %v, want an error", raw, err)
		}
	}
}
