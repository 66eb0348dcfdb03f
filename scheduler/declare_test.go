package scheduler

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/internal/schedules"
)

// kinds gives the schedules that are stored, with the kinds of their jobs.
func (r *rig) kinds() string {
	r.Helper()
	all, err := r.store.List(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	var found []string
	for _, s := range all {
		found = append(found, s.ID+"="+s.Kind)
	}
	return strings.Join(found, " ")
}

func (r *rig) becomes(want string) {
	r.Helper()
	redistest.Eventually(r.T, patience, want, func() bool { return r.kinds() == want })
}

// In a rolling deploy old and new replicas run side by side: the newer declaration
// wins, also when an old replica starts once more, and nobody fights.
func TestOldAndNewDeclarations(t *testing.T) {
	r := setup(t)
	at := time.Now().Add(-time.Hour)
	declared := func(d time.Duration) func(*Config) {
		return func(c *Config) { c.DeclaredAt = at.Add(d) }
	}
	kind := func(k string) func(*Schedule) { return func(s *Schedule) { s.Args = raw(k) } }
	older := []Schedule{rare("a", kind("old")), rare("b", kind("old"))}
	newer := []Schedule{rare("b", kind("new")), rare("c", kind("new"))}

	r.run(r.scheduler(older, declared(0)))
	r.becomes("a=old b=old")
	r.run(r.scheduler(newer, declared(time.Minute)))
	r.becomes("b=new c=new")
	late := r.scheduler(older, declared(0))
	changes, err := late.Diff(t.Context())
	if err != nil || len(changes) != 1 || changes[0].What != schedules.ChangeOlder {
		t.Errorf("diff = %+v, %v; want nothing, it is older", changes, err)
	}
	stop := r.run(late)
	redistest.Eventually(t, patience, "the late one runs", func() bool { return late.Ready() == nil })
	stop()
	if got := r.kinds(); got != "b=new c=new" {
		t.Errorf("after the old one started again: %s", got)
	}
	r.run(r.scheduler([]Schedule{}, declared(2*time.Minute)))
	r.becomes("")
}

// A Redis that starts without its data has no schedules, and one that starts with an
// older backup has those of then: a scheduler that runs declares its own again.
func TestLostSchedulesAreDeclaredAgain(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	r := setupAt(t, server.URL)
	client := server.Client(t)
	r.run(r.scheduler([]Schedule{rare("a"), rare("b")}))
	r.becomes("a=k b=k")

	if err := client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	r.becomes("a=k b=k")

	declared, err := r.store.Declared(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	before := declared.Add(-time.Hour).UnixMilli() // as a backup has it
	if err := client.HSet(t.Context(), r.namespace+":{@sched}:sources", "test", before).Err(); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, patience, "the source is declared again", func() bool {
		again, err := r.store.Declared(t.Context(), "test")
		return err == nil && !again.Before(declared)
	})
}

// A change of other things than the timing keeps the next tick; a change of the
// timing begins now. Both keep the last tick and the pause.
func TestChangeKeepsTheLastTick(t *testing.T) {
	r := setup(t)
	r.declares(rare("a"))
	tick := r.overdue("a", period)
	r.rounds(r.leads(1))
	before, err := r.store.Get(t.Context(), "a")
	if err != nil || !before.Last.Equal(tick) {
		t.Fatal(before, err)
	}
	r.declares(rare("a", func(s *Schedule) { s.Args = raw("other") }))
	after, err := r.store.Get(t.Context(), "a")
	if err != nil || after.Kind != "other" || !after.Next.Equal(before.Next) || !after.Last.Equal(tick) {
		t.Errorf("after a change of the kind: %+v, %v", after, err)
	}
	r.declares(rare("a", func(s *Schedule) { s.Every = 2 * time.Hour }))
	after, err = r.store.Get(t.Context(), "a")
	if err != nil || time.Until(after.Next) > 2*time.Hour || !after.Last.Equal(tick) {
		t.Errorf("after a change of the timing: %+v, %v", after, err)
	}
	if err := r.store.Pause(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	r.declares(rare("a", func(s *Schedule) { s.Every = 3 * time.Hour }))
	after, err = r.store.Get(t.Context(), "a")
	if err != nil || after.Paused.IsZero() || !after.Next.IsZero() {
		t.Errorf("after a change while paused: %+v, %v", after, err)
	}
}

// TestDeclare: a program that does not run declares as one does that starts to.
func TestDeclare(t *testing.T) {
	r := setup(t)
	said := func(s *Scheduler) string {
		t.Helper()
		changes, err := s.Declare(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, c := range changes {
			found = append(found, c.What+" "+c.ID)
		}
		return strings.Join(found, ", ")
	}
	for _, step := range []struct {
		all        []Schedule
		said, then string
	}{
		{[]Schedule{rare("a"), rare("b")}, "add a, add b", "a=k b=k"},
		{[]Schedule{rare("a"), rare("b")}, "", "a=k b=k"},
		{[]Schedule{rare("b"), rare("c")}, "add c, remove a", "b=k c=k"},
		{[]Schedule{}, "remove b, remove c", ""},
	} {
		if got := said(r.scheduler(step.all)); got != step.said || r.kinds() != step.then {
			t.Errorf("declared %q and there are %q, want %q and %q", got, r.kinds(), step.said, step.then)
		}
	}
	said(r.scheduler([]Schedule{rare("a")}))
	if got := said(r.scheduler([]Schedule{rare("a")}, func(c *Config) { c.Source = "other" })); got != ChangeClash+" a" {
		t.Errorf("what belongs to another source: %q", got)
	}
	if got := said(r.scheduler(nil, func(c *Config) { c.Source = "" })); got != "" || r.kinds() != "a=k" {
		t.Errorf("without schedules and source: %q, and there are %q", got, r.kinds())
	}
}

// A program that declares nothing and names no source removes nothing.
func TestNothingDeclared(t *testing.T) {
	r := setup(t)
	r.declares(rare("a"))
	s := r.scheduler(nil, func(c *Config) { c.Source = "" })
	stop := r.run(s)
	redistest.Eventually(t, patience, "it runs", func() bool { return s.Ready() == nil })
	stop()
	if got := r.kinds(); got != "a=k" {
		t.Errorf("schedules %s, want a", got)
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	day := time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC)
	for want, s := range map[string]Schedule{
		`schedule id ""; want 1-100`:                           {Every: time.Second, Args: raw("k")},
		`schedule id "a@b"`:                                    {ID: "a@b", Every: time.Second, Args: raw("k")},
		"schedule id \"" + strings.Repeat("x", 101):            {ID: strings.Repeat("x", 300), Every: time.Second, Args: raw("k")},
		`field 2 (hour): "25"; want 0-23`:                      {ID: "a", Cron: "0 25 * * *", Args: raw("k")},
		`4 fields; want 5`:                                     {ID: "a", Cron: "* * * *", Args: raw("k")},
		`timezone "Mars/Base"; want an IANA name`:              {ID: "a", Cron: "0 3 * * *", Timezone: "Mars/Base", Args: raw("k")},
		`0 0 31 2 * in UTC never fires`:                        {ID: "a", Cron: "0 0 31 2 *", Args: raw("k")},
		`neither cron nor every`:                               {ID: "a", Args: raw("k")},
		`are given together; want one of them`:                 {ID: "a", Cron: "0 3 * * *", Every: time.Hour, Args: raw("k")},
		`every 1ms; want 1s`:                                   {ID: "a", Every: time.Millisecond, Args: raw("k")},
		`every -1s; want 1s`:                                   {ID: "a", Every: -time.Second, Args: raw("k")},
		`Args are nil`:                                         {ID: "a", Every: time.Second},
		`kind is empty`:                                        {ID: "a", Every: time.Second, Args: raw("")},
		`are not JSON`:                                         {ID: "a", Every: time.Second, Args: drayhorse.Raw("k", []byte("{"))},
		`catch_up "some"; want skip, last or all`:              {ID: "a", Every: time.Second, Args: raw("k"), CatchUp: "some"},
		`overlap "never"; want allow, skip, queue or replace`:  {ID: "a", Every: time.Second, Args: raw("k"), Overlap: "never"},
		`catch_up all with overlap skip`:                       {ID: "a", Every: time.Second, Args: raw("k"), CatchUp: CatchUpAll, Overlap: OverlapSkip},
		`catch_up all with overlap replace`:                    {ID: "a", Every: time.Second, Args: raw("k"), CatchUp: CatchUpAll, Overlap: OverlapReplace},
		`catch_up_window 1h0m0s with catch_up skip`:            {ID: "a", Every: time.Second, Args: raw("k"), CatchUp: CatchUpSkip, CatchUpWindow: time.Hour},
		`catch_up_max 5 with catch_up last`:                    {ID: "a", Every: time.Second, Args: raw("k"), CatchUpMax: 5},
		`catch_up_max 5000; want 1 to 1000`:                    {ID: "a", Every: time.Second, Args: raw("k"), CatchUp: CatchUpAll, CatchUpMax: 5000},
		`catch_up_window -1s`:                                  {ID: "a", Every: time.Second, Args: raw("k"), CatchUpWindow: -time.Second},
		`jitter -1s`:                                           {ID: "a", Every: time.Second, Args: raw("k"), Jitter: -time.Second},
		`options ID, ReplaceEnded, Unique, In, At and Durable`: {ID: "a", Every: time.Second, Args: raw("k"), Options: []drayhorse.Option{drayhorse.ID("x")}},
		`MaxAttempts(0)`:                                       {ID: "a", Every: time.Second, Args: raw("k"), Options: []drayhorse.Option{drayhorse.MaxAttempts(0)}},
		`queue name: "a/b"`:                                    {ID: "a", Every: time.Second, Args: raw("k"), Options: []drayhorse.Option{drayhorse.Queue("a/b")}},
		`end 2030-01-01T00:00:00Z is before start`:             {ID: "a", Every: time.Second, Args: raw("k"), Start: day, End: day.AddDate(0, 0, -1)},
		`every 24h from 2030-01-02T00:00:01Z until 2030-01-02T00:00:02Z never fires`: {ID: "a", Every: 24 * time.Hour, Args: raw("k"), Start: day.Add(time.Second), End: day.Add(2 * time.Second)},
	} {
		err := s.Validate()
		if !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want ErrInvalid in one line with %q", err, want)
		}
	}
}

func TestAddAndRunOnce(t *testing.T) {
	r := setup(t)
	s := r.scheduler([]Schedule{rare("a")})
	if err := s.Add(rare("a")); !errors.Is(err, drayhorse.ErrDuplicate) {
		t.Errorf("add again: %v, want ErrDuplicate", err)
	}
	stop := r.run(s)
	r.becomes("a=k")
	if err := s.Add(rare("b")); !errors.Is(err, drayhorse.ErrClosed) {
		t.Errorf("add while it runs: %v, want ErrClosed", err)
	}
	stop()
	if err := s.Run(t.Context()); !errors.Is(err, drayhorse.ErrClosed) {
		t.Errorf("run again: %v, want ErrClosed", err)
	}
	if err := s.Ready(); err == nil {
		t.Error("ready after it ended")
	}
	for want, cfg := range map[string]Config{
		"LeaseTTL 1ms": {LeaseTTL: time.Millisecond},
		"source":       {Source: "a b"},
		"namespace":    {Namespace: "{}"},
		"redis url":    {RedisURL: "http://x"},
	} {
		if _, err := New(cfg); !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(want)) {
			t.Errorf("%+v: %v, want ErrInvalid with %q", cfg, err, want)
		}
	}
}
