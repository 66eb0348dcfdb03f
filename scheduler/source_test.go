package scheduler

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/internal/schedules"
)

// declaresOnce runs a program until it has said what it declared, and gives its log.
func (r *rig) declaresOnce(declared []Schedule, change ...func(*Config)) *record {
	r.Helper()
	log := &record{}
	s := r.scheduler(declared, append([]func(*Config){log.logger}, change...)...)
	stop := r.run(s)
	redistest.Eventually(r.T, patience, "a word of what is declared", func() bool {
		return len(log.lines("schedules declared"))+len(log.lines("left alone")) > 0
	})
	stop()
	return log
}

func unnamed(c *Config) { c.Source = "" }

func names(name string) func(*Config) { return func(c *Config) { c.Source = name } }

// Two modules of a program, or two programs whose binaries are alike, that name no
// source: neither loses a schedule to the other, and each can change its own.
func TestTwoModulesWithoutSource(t *testing.T) {
	r := setup(t)
	r.declaresOnce([]Schedule{rare("a"), rare("a2")}, unnamed)
	log := r.declaresOnce([]Schedule{rare("b"), rare("b2")}, unnamed)
	if got := r.kinds(); got != "a=k a2=k b=k b2=k" {
		t.Fatalf("schedules %s, want those of both", got)
	}
	if lines := log.lines("left alone"); len(lines) != 2 || !strings.Contains(lines[0], "schedule=a ") {
		t.Errorf("log %q, want a word of those that are left alone", lines)
	}
	log = r.declaresOnce([]Schedule{rare("a"), rare("a3")}, unnamed)
	if lines := log.lines("schedule removed"); len(lines) != 1 || !strings.Contains(lines[0], "level=WARN") || !strings.Contains(lines[0], "schedule=a2 ") {
		t.Errorf("log %q, want a warning that names a2", lines)
	}
	r.declaresOnce([]Schedule{rare("b2")}, unnamed)
	if got := r.kinds(); got != "a=k a3=k b2=k" {
		t.Errorf("schedules %s, want what each declares now", got)
	}
	// All at once is as if another program came.
	r.declaresOnce([]Schedule{rare("c")}, unnamed)
	if got := r.kinds(); got != "a=k a3=k b2=k c=k" {
		t.Errorf("schedules %s, want c beside the others", got)
	}
}

// Whoever names a source later takes its own schedules along; another source's are left
// alone, which is said after what was declared, and by name.
func TestSourceIsNamedLater(t *testing.T) {
	r := setup(t)
	r.declaresOnce([]Schedule{rare("a"), rare("b")}, unnamed)
	r.declaresOnce([]Schedule{rare("a")}, names("billing"))
	status, err := r.store.Get(t.Context(), "a")
	if err != nil || status.Source != "billing" {
		t.Errorf("a = %+v, %v; want it of source billing", status, err)
	}
	if got := r.kinds(); got != "a=k b=k" {
		t.Errorf("schedules %s, want b kept", got)
	}
	log := r.declaresOnce([]Schedule{rare("a", func(s *Schedule) { s.Args = raw("other") }), rare("c")}, names("shop"))
	lines := log.lines("source")
	if got := r.kinds(); got != "a=k b=k c=k" || len(lines) != 2 ||
		!strings.Contains(lines[0], "schedules declared") || !strings.Contains(lines[0], "count=1") || !strings.Contains(lines[1], "schedule=a owner=billing") {
		t.Errorf("schedules %s, log %q; want c declared, then a left alone", got, lines)
	}
}

// Nothing is declared where a later program has declared the source, and nobody says
// that it was.
func TestLeftAloneIsNotDeclared(t *testing.T) {
	r := setup(t)
	r.declaresOnce([]Schedule{rare("a")})
	log := r.declaresOnce([]Schedule{rare("a")}, func(c *Config) { c.DeclaredAt = time.Now().Add(-time.Hour) })
	if lines := log.lines("declared"); len(lines) != 1 || !strings.Contains(lines[0], "left alone") {
		t.Errorf("log %q, want one line", lines)
	}
}

// A set that was declared in 1970 or before, as the files of reproducible images are, is
// declared once and quietly.
func TestDeclaredLongAgo(t *testing.T) {
	for _, at := range []time.Time{time.Unix(0, 0), time.Unix(0, 1), time.Unix(-1, 0), time.Unix(-1e9, 0), time.UnixMilli(1)} {
		t.Run(at.UTC().Format(time.RFC3339Nano), func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			r := setupAt(t, server.URL)
			log := &record{}
			s := r.scheduler([]Schedule{rare("a")}, log.logger, func(c *Config) { c.DeclaredAt = at })
			r.run(s)
			r.becomes("a=k")
			client, since := server.Client(t), time.Now()
			before := commands(t, client)
			redistest.Eventually(t, patience, "a while", func() bool { return time.Since(since) > 2*time.Second })
			after, took := commands(t, client), time.Since(since).Seconds()
			for name, n := range after {
				if perSecond := float64(n-before[name]) / took; perSecond > 50 {
					t.Errorf("%s %.0f times a second", name, perSecond)
				}
			}
			if lines := log.lines("declar"); len(lines) != 1 {
				t.Errorf("log %q, want one line", lines)
			}
		})
	}
}

// A schedule can be declared paused, and such a one be resumed by an operator; another
// declaration leaves that, and one without the pause resumes it.
func TestDeclaredPaused(t *testing.T) {
	r := setup(t)
	paused := func(s *Schedule) { s.Paused = true }
	check := func(what string, want bool) {
		t.Helper()
		s, err := r.store.Get(t.Context(), "a")
		if err != nil || s.Paused.IsZero() == want || s.Next.IsZero() != want {
			t.Errorf("%s: paused %v, next %v, %v; want %v", what, s.Paused, s.Next, err, want)
		}
	}
	r.declares(rare("a", paused))
	check("declared paused", true)
	if err := r.store.Resume(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	check("resumed", false)
	r.declares(rare("a", paused, func(s *Schedule) { s.Args = raw("other") }))
	check("changed", false)
	r.declares(rare("a"))
	check("declared without", false)
	r.declares(rare("a", paused))
	check("declared paused again", true)
	r.declares(rare("a", paused, func(s *Schedule) { s.Every = time.Hour }))
	check("another timing", true)
	r.declares(rare("a"))
	check("declared without again", false)
}

// A schedule without ticks is triggered; one that gets none any more has none left.
func TestManualSchedule(t *testing.T) {
	r := setup(t)
	manual := Schedule{ID: "a", Manual: true, Args: raw("k")}
	r.declares(rare("a"))
	r.declares(manual)
	status, err := r.store.Get(t.Context(), "a")
	if err != nil || !status.Next.IsZero() {
		t.Errorf("next = %v, %v; want none", status.Next, err)
	}
	if _, err := r.store.Trigger(t.Context(), r.engine, "a"); err != nil {
		t.Fatal(err)
	}
	if ids := r.ids("default"); len(ids) != 1 {
		t.Errorf("jobs %v, want one", ids)
	}
	if err := r.store.Pause(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := r.store.Resume(t.Context(), "a"); err != nil {
		t.Errorf("resume: %v", err)
	}
	now := time.Now()
	if _, err := r.store.Backfill(t.Context(), r.engine, "a", now.Add(-time.Hour), now); err == nil || !strings.Contains(err.Error(), "no tick") {
		t.Errorf("backfill: %v", err)
	}
	r.declares(rare("a"))
	if status, err = r.store.Get(t.Context(), "a"); err != nil || status.Next.IsZero() {
		t.Errorf("next = %v, %v; want one again", status.Next, err)
	}
}

// A zone in front of a cron expression is the schedule's.
func TestZoneInCron(t *testing.T) {
	t.Parallel()
	s := Schedule{ID: "a", Cron: "CRON_TZ=America/New_York 0 9 * * MON-FRI", Args: raw("k")}
	d, err := s.declaration()
	if err != nil || d.Cron != "0 9 * * MON-FRI" || d.Timezone != "America/New_York" {
		t.Errorf("%+v, %v", d, err)
	}
	s.Timezone = "Europe/Paris"
	if err := s.Validate(); err == nil || !strings.Contains(err.Error(), `zone "America/New_York" and timezone is "Europe/Paris"`) {
		t.Errorf("two zones: %v", err)
	}
}

func TestDefaultSource(t *testing.T) {
	t.Parallel()
	var all []string
	for path, want := range map[string]string{
		"github.com/acme/shop/cmd/server": "github.com:acme:shop:cmd:server",
		"/etc/drayhorse/a.yaml":           "etc:drayhorse:a.yaml",
		"/etc/my jobs/a.yaml":             "etc:my-jobs:a.yaml-",
		"/etc/my-jobs/a.yaml":             "etc:my-jobs:a.yaml",
		"":                                "-",
		strings.Repeat("/x", 200):         ":x:x",
		strings.Repeat("/x", 201):         ":x:x",
	} {
		got := schedules.DefaultSource(path)
		if !strings.Contains(got, want) || len(got) > 128-9 {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
		all = append(all, got)
	}
	slices.Sort(all)
	if len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Errorf("%q, want each once", all)
	}
}
