package schedules

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

var errNotDue = errors.New("not due")

// violation says how a property does not hold.
type violation string

func (v violation) Error() string { return string(v) }

func violated(format string, args ...any) error { return violation(fmt.Sprintf(format, args...)) }

// properties are what the scripts promise. Each is an error when it does not hold.
var properties = map[string]func(w *world) error{
	"a tick is fired once":                             firedOnce,
	"a schedule that has changed is not fired":         firedUnchanged,
	"a term that is over writes nothing":               fenced,
	"a paused schedule is not fired":                   pausedIsSilent,
	"a resumed schedule does not go back":              resumedGoesOn,
	"a new timing does not go back":                    changedGoesOn,
	"an older declaration changes nothing":             olderIsRefused,
	"a schedule of another source is left alone":       othersAreKept,
	"an entry is cleared once":                         clearedOnce,
	"entries that wait are counted by schedule":        waitingIsCounted,
	"the history is bounded":                           historyIsBounded,
	"nothing is left of a schedule when it is removed": removedIsGone,
	"data of a newer format is refused":                newerIsRefused,
}

func TestProperties(t *testing.T) {
	conform(t, func(t *testing.T, w *world) {
		for name, holds := range properties {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				own := &world{New(w.client, redistest.Namespace(t)), t.Context(), w.engine}
				if err := holds(own); err != nil {
					t.Error(err)
				}
			})
		}
	})
}

func firedOnce(w *world) error {
	due, err := w.due("a", past())
	if err != nil {
		return err
	}
	for i, want := range []bool{true, false, false} {
		moved, err := w.Fire(w.ctx, 1, []Firing{firing(due)})
		if err != nil || moved[0] != want {
			return violated("fire %d: %v, %v; want %v", i, moved, err, want)
		}
	}
	taken, err := w.Take(w.ctx, 1, Outbox, 0)
	want := Entry{"a", due.Tick, "default"}
	if err != nil || len(taken) != 1 || taken[0].Entry != want || taken[0].Raw != due.Raw {
		return violated("outbox = %+v, %v; want %+v", taken, err, want)
	}
	s, err := w.Get(w.ctx, "a")
	if err != nil || !s.Last.Equal(due.Tick) || !s.Next.Equal(due.Tick.Add(time.Second)) {
		return violated("status = %+v, %v", s, err)
	}
	return nil
}

func firedUnchanged(w *world) error {
	due, err := w.due("a", past())
	if err != nil {
		return err
	}
	d := each("a")
	d.Kind = "other"
	if err := w.Add(w.ctx, d, true); err != nil {
		return err
	}
	moved, err := w.Fire(w.ctx, 1, []Firing{firing(due)})
	if err != nil || moved[0] {
		return violated("fired %v, %v; want not", moved, err)
	}
	return nil
}

func fenced(w *world) error {
	due, err := w.due("a", past())
	if err != nil {
		return err
	}
	if _, err := w.Take(w.ctx, 2, Outbox, 0); err != nil { // another leader begins
		return err
	}
	calls := map[string]func() error{
		"look":  func() error { _, err := w.Look(w.ctx, 1, 0); return err },
		"fire":  func() error { _, err := w.Fire(w.ctx, 1, []Firing{firing(due)}); return err },
		"take":  func() error { _, err := w.Take(w.ctx, 1, Outbox, 0); return err },
		"clear": func() error { return w.Clear(w.ctx, 1, []Clearing{{Taken: Taken{stored: "a@0 q"}}}) },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, ErrTerm) {
			return violated("%s in a term that is over: %v, want ErrTerm", name, err)
		}
	}
	look, err := w.Look(w.ctx, 2, 0)
	if err != nil || len(look.Due) != 1 {
		return violated("look = %+v, %v; want the schedule still due", look, err)
	}
	refused, err := w.client.HGet(w.ctx, w.prefix+"meta", "refused").Int()
	if err != nil || refused != len(calls) {
		return violated("%d refused, %v; want %d", refused, err, len(calls))
	}
	return nil
}

func pausedIsSilent(w *world) error {
	due, err := w.due("a", past())
	if err != nil {
		return err
	}
	for range 2 {
		if err := w.Pause(w.ctx, "a"); err != nil {
			return err
		}
	}
	moved, err := w.Fire(w.ctx, 1, []Firing{firing(due)})
	if err != nil || moved[0] {
		return violated("fired %v, %v; want not", moved, err)
	}
	if look, err := w.Look(w.ctx, 1, 0); err != nil || len(look.Due) > 0 || !look.Next.IsZero() {
		return violated("look = %+v, %v; want nothing", look, err)
	}
	for range 2 {
		if err := w.Resume(w.ctx, "a"); err != nil {
			return err
		}
	}
	s, err := w.Get(w.ctx, "a")
	if err != nil || !s.Paused.IsZero() || !s.Next.After(due.Tick.Add(50*time.Second)) {
		return violated("status = %+v, %v; want the next tick after now", s, err)
	}
	if err := w.Pause(w.ctx, "nobody"); !errors.Is(err, drayhorse.ErrNotFound) {
		return violated("pause of nobody: %v", err)
	}
	return nil
}

// ahead fires a tick in the future, as if Redis's clock had been there.
func (w *world) ahead(id string) (time.Time, error) {
	due, err := w.due(id, past())
	if err != nil {
		return time.Time{}, err
	}
	tick := time.Now().Add(time.Hour).Truncate(time.Second).UTC()
	f := firing(due)
	f.Decided, f.Next = tick, tick.Add(time.Second)
	_, err = w.Fire(w.ctx, 1, []Firing{f})
	return tick, err
}

func resumedGoesOn(w *world) error {
	tick, err := w.ahead("a")
	if err != nil {
		return err
	}
	if err := w.Pause(w.ctx, "a"); err != nil {
		return err
	}
	s, err := w.Get(w.ctx, "a")
	if err != nil {
		return err
	}
	reply, err := w.run(w.ctx, resumeScript, "a", s.Revision, ms(tick))
	if err != nil || reply != "changed" {
		return violated("resume at the last tick: %v, %v; want it refused", reply, err)
	}
	if err := w.Resume(w.ctx, "a"); err != nil {
		return err
	}
	if s, err = w.Get(w.ctx, "a"); err != nil || !s.Next.After(tick) {
		return violated("next = %v, %v; want after %v", s.Next, err, tick)
	}
	return nil
}

func changedGoesOn(w *world) error {
	tick, err := w.ahead("a")
	if err != nil {
		return err
	}
	d := each("a")
	d.Every = 2 * time.Second
	s, err := w.Get(w.ctx, "a")
	if err != nil {
		return err
	}
	said, err := w.put(w.ctx, "", time.Now(), []put{{declaration: &d, replaces: s.Revision, timing: true, next: tick}})
	if err != nil || said[0] != "changed" {
		return violated("put at the last tick: %v, %v; want it refused", said, err)
	}
	if err := w.Add(w.ctx, d, true); err != nil {
		return err
	}
	if s, err = w.Get(w.ctx, "a"); err != nil || !s.Next.After(tick) || !s.Last.Equal(tick) {
		return violated("status = %+v, %v; want the next tick after %v", s, err, tick)
	}
	return nil
}

func olderIsRefused(w *world) error {
	now := time.Now()
	a, b := each("a"), each("b")
	newer := Source{Name: "s", DeclaredAt: now.Add(-time.Minute), Declarations: []Declaration{a}}
	if _, err := w.Reconcile(w.ctx, newer); err != nil {
		return err
	}
	if _, err := w.put(w.ctx, "s", now.Add(-time.Hour), []put{{declaration: &b, timing: true, next: now}}); !errors.Is(err, errOlder) {
		return violated("older put: %v", err)
	}
	stored, err := w.Get(w.ctx, "a")
	if err != nil {
		return err
	}
	if _, err := w.remove(w.ctx, "s", now.Add(-time.Hour), []*Status{stored}); !errors.Is(err, errOlder) {
		return violated("older remove: %v", err)
	}
	older := Source{Name: "s", DeclaredAt: now.Add(-time.Hour), Declarations: []Declaration{b}}
	changes, err := w.Reconcile(w.ctx, older)
	if err != nil || len(changes) != 1 || changes[0].What != ChangeOlder {
		return violated("older reconcile: %+v, %v", changes, err)
	}
	return w.have("a")
}

// have reports whether there are exactly these schedules.
func (w *world) have(ids ...string) error {
	all, err := w.List(w.ctx)
	if err != nil {
		return err
	}
	var found []string
	for _, s := range all {
		found = append(found, s.ID)
	}
	if strings.Join(found, " ") != strings.Join(ids, " ") {
		return violated("schedules %v, want %v", found, ids)
	}
	return nil
}

func othersAreKept(w *world) error {
	a, b := each("a"), each("b")
	if _, err := w.Reconcile(w.ctx, Source{Name: "one", Declarations: []Declaration{a}}); err != nil {
		return err
	}
	if err := w.Add(w.ctx, each("c"), false); err != nil {
		return err
	}
	a.Kind = "stolen"
	changes, err := w.Reconcile(w.ctx, Source{Name: "two", Declarations: []Declaration{a, b}})
	if err != nil || len(changes) != 2 || changes[1].What != ChangeClash || changes[1].Owner != "one" {
		return violated("changes = %+v, %v; want b added and a clash", changes, err)
	}
	stored, err := w.Get(w.ctx, "a")
	if err != nil || stored.Kind != "k" || stored.Source != "one" {
		return violated("a = %+v, %v; want it untouched", stored, err)
	}
	if said, err := w.put(w.ctx, "two", time.Now(), []put{{declaration: &a, replaces: stored.Revision, from: "two"}}); err != nil || said[0] != "clash" {
		return violated("put: %v, %v; want clash", said, err)
	}
	if said, err := w.remove(w.ctx, "two", time.Now(), []*Status{stored}); err != nil || said[0] != "changed" {
		return violated("remove: %v, %v; want changed", said, err)
	}
	if err := w.Add(w.ctx, each("a"), true); !errors.Is(err, drayhorse.ErrDuplicate) {
		return violated("add: %v, want ErrDuplicate", err)
	}
	if _, err := w.Reconcile(w.ctx, Source{Name: "two"}); err != nil {
		return err
	}
	return w.have("a", "c")
}

func clearedOnce(w *world) error {
	due, err := w.due("a", past())
	if err != nil {
		return err
	}
	if _, err := w.Fire(w.ctx, 1, []Firing{firing(due)}); err != nil {
		return err
	}
	taken, err := w.Take(w.ctx, 1, Outbox, 0)
	if err != nil {
		return err
	}
	job := Place{"default", JobID("a", due.Tick)}
	done := Clearing{Taken: taken[0], Event: &Event{Tick: due.Tick, At: due.Tick, Outcome: Enqueued, Queue: job.Queue, JobID: job.ID}, Job: job}
	for range 2 {
		if err := w.Clear(w.ctx, 1, []Clearing{done}); err != nil {
			return err
		}
	}
	events, err := w.History(w.ctx, w.engine, "a")
	if err != nil || len(events) != 1 || events[0] != *done.Event {
		return violated("history = %+v, %v; want %+v once", events, err, done.Event)
	}
	if taken, err = w.Take(w.ctx, 1, Outbox, 0); err != nil || len(taken) != 0 {
		return violated("outbox = %+v, %v; want it empty", taken, err)
	}
	last, err := w.client.HGet(w.ctx, w.prefix+"jobs", "a").Result()
	if err != nil || parsePlace(last) != job {
		return violated("last job = %q, %v; want %v", last, err, job)
	}
	return nil
}

func waitingIsCounted(w *world) error {
	base := past()
	for _, id := range []string{"a", "a-b", "aa"} {
		due, err := w.due(id, base)
		if err != nil {
			return err
		}
		f := firing(due)
		f.Entries = append(f.Entries, Entry{id, base.Add(time.Second), "default"}, Entry{id, base.Add(2 * time.Second), "default"})
		if _, err := w.Fire(w.ctx, 1, []Firing{f}); err != nil {
			return err
		}
	}
	taken, err := w.Take(w.ctx, 1, Outbox, 0)
	if err != nil || len(taken) != 9 {
		return violated("outbox = %+v, %v", taken, err)
	}
	for _, t := range taken {
		if t.Schedule == "a" && t.Tick.After(base) || t.Schedule == "aa" {
			if err := w.Clear(w.ctx, 1, []Clearing{{Taken: t, Wait: true}}); err != nil {
				return err
			}
		}
	}
	want := map[string]int{"a": 2, "a-b": 0, "aa": 3}
	left, err := w.Take(w.ctx, 1, Outbox, 0)
	if err != nil || len(left) != 4 {
		return violated("outbox = %+v, %v; want 4", left, err)
	}
	for _, t := range left {
		if t.Waiting != want[t.Schedule] {
			return violated("%d of %s wait, want %d", t.Waiting, t.Schedule, want[t.Schedule])
		}
	}
	waiting, err := w.Take(w.ctx, 1, Waiting, 0)
	if err != nil || len(waiting) != 5 || !waiting[0].Tick.Before(waiting[1].Tick) {
		return violated("waiting = %+v, %v; want 5 in order", waiting, err)
	}
	return nil
}

func historyIsBounded(w *world) error {
	if err := w.Add(w.ctx, each("a"), false); err != nil {
		return err
	}
	for i := range 50 {
		if err := w.Note(w.ctx, Note{"a", Event{Tick: time.UnixMilli(int64(i)), Outcome: Skipped}}); err != nil {
			return err
		}
	}
	events, err := w.History(w.ctx, w.engine, "a")
	if err != nil || len(events) != 20 || events[0].Tick.UnixMilli() != 49 || events[19].Tick.UnixMilli() != 30 {
		return violated("%d events %+v, %v; want the last 20", len(events), events, err)
	}
	return nil
}

func removedIsGone(w *world) error {
	due, err := w.due("a", past())
	if err != nil {
		return err
	}
	if _, err := w.Fire(w.ctx, 1, []Firing{firing(due)}); err != nil {
		return err
	}
	taken, err := w.Take(w.ctx, 1, Outbox, 0)
	if err != nil {
		return err
	}
	done := Clearing{Taken: taken[0], Event: &Event{Tick: due.Tick, Outcome: Enqueued}, Job: Place{"q", "id"}}
	if err := w.Clear(w.ctx, 1, []Clearing{done}); err != nil {
		return err
	}
	if err := w.Pause(w.ctx, "a"); err != nil {
		return err
	}
	if err := w.Remove(w.ctx, "a"); err != nil {
		return err
	}
	for _, column := range library.Columns() {
		n, err := w.client.Exists(w.ctx, w.prefix+column).Result()
		if want := column == "meta"; err != nil || (n == 1) != want {
			return violated("%s is left: %v, %v; want meta alone", column, n, err)
		}
	}
	if err := w.Remove(w.ctx, "a"); !errors.Is(err, drayhorse.ErrNotFound) {
		return violated("remove again: %v", err)
	}
	return nil
}

func newerIsRefused(w *world) error {
	if err := w.client.HSet(w.ctx, w.prefix+"meta", "format", 99).Err(); err != nil {
		return err
	}
	for name, call := range map[string]func() error{
		"look":   func() error { _, err := w.Look(w.ctx, 1, 0); return err },
		"fire":   func() error { _, err := w.Fire(w.ctx, 1, []Firing{{}}); return err },
		"take":   func() error { _, err := w.Take(w.ctx, 1, Outbox, 0); return err },
		"clear":  func() error { return w.Clear(w.ctx, 1, []Clearing{{}}) },
		"put":    func() error { _, err := w.put(w.ctx, "", past(), nil); return err },
		"remove": func() error { _, err := w.remove(w.ctx, "", past(), nil); return err },
		"pause":  func() error { return w.Pause(w.ctx, "a") },
		"resume": func() error { _, err := w.run(w.ctx, resumeScript, "a", "", ""); return err },
		"list":   func() error { _, err := w.List(w.ctx); return err },
		"note":   func() error { return w.Note(w.ctx, Note{"a", Event{}}) },
	} {
		if err := call(); !errors.Is(err, drayhorse.ErrFormat) {
			return violated("%s: %v, want ErrFormat", name, err)
		}
	}
	return nil
}

// The tests of the tests: each bug breaks one rule of a script on purpose, and its
// property must not hold any more.
func TestPropertiesNoticeBugs(t *testing.T) { //nolint:paralleltest // the scripts belong to all tests
	url := redistest.Shared(t)
	for _, bug := range []struct {
		property string
		script   *redis.Script
		from, to string
	}{
		{"a tick is fired once", fireScript, "tonumber(due) == tonumber(tick)", "true"},
		{"a tick is fired once", fireScript, "call('ZADD', outbox, ARGV[j], ARGV[j + 1])", ""},
		{"a tick is fired once", fireScript, "call('HSET', last, id, decided)", ""},
		{"a schedule that has changed is not fired", fireScript, "(part(call('HGET', declarations, id)) or '') == revision", "true"},
		{"a term that is over writes nothing", fireScript, "tonumber(term) < tonumber(highest)", "false"},
		{"a term that is over writes nothing", lookScript, "tonumber(term) < tonumber(highest)", "false"},
		{"a term that is over writes nothing", takeScript, "call('HSET', meta, 'term', term)", ""},
		{"a term that is over writes nothing", clearScript, "local refused = lead(term)", "local refused"},
		{"a paused schedule is not fired", pauseScript, "call('ZREM', next, id)", ""},
		{"a resumed schedule does not go back", resumeScript, "tonumber(next_ms) <= before", "false"},
		{"a new timing does not go back", putScript, "tick <= before", "false"},
		{"an older declaration changes nothing", putScript, "if declared_ms < tonumber(newest) then", "if false then"},
		{"an older declaration changes nothing", removeScript, "if source ~= '' and math.min", "if false and math.min"},
		{"a schedule of another source is left alone", putScript, "if known and owner ~= source and owner ~= from then", "if false then"},
		{"a schedule of another source is left alone", removeScript, "(source == '' or owner == source)", "true"},
		{"an entry is cleared once", clearScript, "if here > 0 and call", "if call"},
		{"an entry is cleared once", clearScript, "call('ZREM', outbox, entry)", "call('ZSCORE', outbox, entry) and 1 or 0"},
		{"entries that wait are counted by schedule", takeScript, "'(' .. id .. 'A'", "'(' .. id .. 'z'"},
		{"the history is bounded", noteScript, "for _ = KEPT + 1, n do", "for _ = 1, 0 do"},
		{"nothing is left of a schedule when it is removed", removeScript, "{declarations, last, paused,", "{declarations, paused,"},
		{"data of a newer format is refused", listScript, "if format and tonumber(format) > FORMAT then", "if false then"},
	} {
		t.Run(bug.property+"/"+bug.script.Name, func(t *testing.T) { //nolint:paralleltest // see above
			mutate(t, bug.script, bug.from, bug.to)
			if err := properties[bug.property](newWorld(t, url)); err == nil {
				t.Error("the bug is not noticed")
			}
		})
	}
}

// mutate changes a script until the end of the test.
func mutate(t *testing.T, s *redis.Script, from, to string) {
	t.Helper()
	text := library.Assemble(s.Name)
	if n := strings.Count(text, from); n != 1 {
		t.Fatalf("%s has %d times %q, want once", s.Name, n, from)
	}
	original := *s
	*s = *s.WithText(strings.Replace(text, from, to, 1))
	t.Cleanup(func() { *s = original })
}
