package dashboard_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/dashboard"
	"github.com/drayhorse/drayhorse/scheduler"
)

// TestSchedulesAreWrittenOnAForm: added, changed and removed. What the form does not show
// stays as it is.
func TestSchedulesAreWrittenOnAForm(t *testing.T) {
	r := setup(t, nil)
	r.wants("the form", r.page("edit-schedule"), "New schedule", `name="id"`, "last: one job for all of them")
	r.done(r.post("edit-schedule", "id", "digest", "cron", "0 3 * * *", "timezone", "Europe/Paris", "kind", "mail", "queue", "", "args", `{"to":"all","n":18446744073709551615}`,
		"attempts", "3", "timeout", "1h30m", "catch_up", "skip", "overlap", "queue"), "schedule?id=digest&done=save-schedule", "The schedule is saved.")
	s, err := r.admin.Schedule(t.Context(), "digest")
	if err != nil {
		t.Fatal(err)
	}
	want := admin.Declaration{
		ID: "digest", Cron: "0 3 * * *", Timezone: "Europe/Paris", Kind: "mail", Queue: "default", MaxAttempts: 3, Timeout: 90 * time.Minute, CatchUp: "skip", Overlap: "queue",
	}
	if got := s.Declaration; string(got.Args) != `{"to":"all","n":18446744073709551615}` || got.Cron != want.Cron || got.Timezone != want.Timezone || got.Kind != want.Kind || got.Queue != want.Queue ||
		got.MaxAttempts != want.MaxAttempts || got.Timeout != want.Timeout || got.CatchUp != want.CatchUp || got.Overlap != want.Overlap {
		t.Errorf("schedule %+v, want %+v", got, want)
	}

	more := s.Declaration
	more.Jitter, more.Tags, more.Retain = time.Minute, []string{"report"}, time.Hour
	if err := r.admin.AddSchedule(t.Context(), more, true); err != nil {
		t.Fatal(err)
	}
	r.wants("the form of one that is there", r.page("edit-schedule?id=digest"), "Edit digest", `value="0 3 * * *"`, `value="1h30m"`, "18446744073709551615", `value="queue" selected`)
	r.done(r.post("edit-schedule", "edits", "1", "id", "digest", "every", "2h", "kind", "mail", "queue", "q", "catch_up", "last", "overlap", "allow"), "schedule?id=digest", "The schedule is saved.")
	s, err = r.admin.Schedule(t.Context(), "digest")
	if err != nil || s.Every != 2*time.Hour || s.Cron != "" || s.Queue != "q" || s.MaxAttempts != drayhorse.DefaultMaxAttempts || string(s.Args) != "{}" ||
		s.Jitter != time.Minute || len(s.Tags) != 1 || s.Retain != time.Hour {
		t.Errorf("changed: %+v, %v", s, err)
	}

	r.done(r.post("do", "action", "remove-schedule", "schedule", "digest"), "schedules?done=remove-schedule", "The schedule is removed.")
	if _, err := r.admin.Schedule(t.Context(), "digest"); !errors.Is(err, drayhorse.ErrNotFound) {
		t.Errorf("the removed schedule: %v", err)
	}
}

// TestMistakesOnAFormAreSaid above it, and what was written stays there.
func TestMistakesOnAFormAreSaid(t *testing.T) {
	r := setup(t, nil)
	r.schedule(scheduler.Schedule{ID: "declared", Every: 1000 * time.Hour, Args: drayhorse.Raw("k", json.RawMessage(`{}`))})
	if err := r.admin.AddSchedule(t.Context(), admin.Declaration{ID: "there", Manual: true, Kind: "k"}, false); err != nil {
		t.Fatal(err)
	}
	for want, form := range map[string][]string{
		"want 0-23":                       {"cron", "0 25 * * *"},
		"Timezone &#34;Mars/Base&#34;":    {"cron", "0 3 * * *", "timezone", "Mars/Base"},
		"want a time such as 90s":         {"every", "soon"},
		"attempts &#34;-1&#34;":           {"attempts", "-1"},
		"want one of them":                {"cron", "0 3 * * *", "every", "1h"},
		"are not JSON":                    {"args", `{"a":`},
		"which are for ticks":             {"overlap", "skip"},
		"schedule there exists":           {"id", "there"},
		"schedule id &#34;a b&#34;":       {"id", "a b"},
		"declared by source test":         {"id", "declared"},
		"&lt;script&gt;":                  {"kind", "<script>"},
		"Schedule declared is declared b": {"edits", "1", "id", "declared"},
		"Not found":                       {"edits", "1", "id", "gone"},
	} {
		full := slices.Clone(form)
		given := map[string]bool{}
		for i := 0; i < len(full); i += 2 {
			given[full[i]] = true
		}
		for name, value := range map[string]string{"id": "new", "kind": "mail", "timeout": "77s", "catch_up": "last", "overlap": "allow"} {
			if !given[name] {
				full = append(full, name, value)
			}
		}
		a := r.post("edit-schedule", full...)
		if a.code < 400 || a.code >= 500 || !strings.Contains(strings.ToLower(a.body), strings.ToLower(want)) {
			t.Errorf("%v: %d, want %s\n%s", form, a.code, want, a.body)
		}
		if !given["edits"] && !strings.Contains(a.body, `value="77s"`) {
			t.Errorf("%v: the form has forgotten what was written", form)
		}
	}
	if _, err := r.admin.Schedule(t.Context(), "new"); !errors.Is(err, drayhorse.ErrNotFound) {
		t.Errorf("a schedule was made: %v", err)
	}
	if s, err := r.admin.Schedule(t.Context(), "there"); err != nil || s.Timeout == 77*time.Second {
		t.Errorf("one that was there has changed: %+v, %v", s, err)
	}
}

// TestAFormTellsNoSecrets: arguments with fields that may be secret are not shown, and stay
// unless others are given.
func TestAFormTellsNoSecrets(t *testing.T) {
	r := setup(t, func(c *dashboard.Config) { c.Authenticate = byName })
	if err := r.admin.AddSchedule(t.Context(), admin.Declaration{ID: "s", Manual: true, Kind: "k", Queue: "mail", Args: []byte(`{"api_token":"hunter2"}`)}, false); err != nil {
		t.Fatal(err)
	}
	admins := as("admin-mail")
	a := r.do(http.MethodGet, "edit-schedule?id=s", "", admins)
	if a.code != http.StatusOK || strings.Contains(a.body, "hunter2") || !strings.Contains(a.body, "They stay unless") {
		t.Errorf("%d %s", a.code, a.body)
	}
	const form = "edits=1&id=s&kind=k&queue=mail&catch_up=last&overlap=allow&attempts=7"
	for args, want := range map[string]string{"": `{"api_token":"hunter2"}`, `{"a":1}`: `{"a":1}`} {
		if a := r.do(http.MethodPost, "edit-schedule", form+"&args="+args, admins); a.code != http.StatusSeeOther {
			t.Fatalf("%d %s", a.code, a.body)
		}
		if s, err := r.admin.Schedule(t.Context(), "s"); err != nil || string(s.Args) != want || s.MaxAttempts != 7 {
			t.Errorf("args %q: %+v, %v; want %s", args, s, err, want)
		}
		if err := r.admin.AddSchedule(t.Context(), admin.Declaration{ID: "s", Manual: true, Kind: "k", Queue: "mail", Args: []byte(`{"api_token":"hunter2"}`)}, true); err != nil {
			t.Fatal(err)
		}
	}
	if a := r.do(http.MethodPost, "edit-schedule", strings.ReplaceAll(form, "queue=mail", "queue=orders"), admins); a.code != http.StatusForbidden {
		t.Errorf("into a queue that is out of scope: %d %s", a.code, a.body)
	}
	if s, err := r.admin.Schedule(t.Context(), "s"); err != nil || s.Queue != "mail" {
		t.Errorf("%+v, %v", s, err)
	}
	audit, err := r.admin.Audit(t.Context(), false, "", 10)
	if err != nil || len(audit.Records) == 0 || audit.Records[0].User != "admin-mail" {
		t.Errorf("audit %+v, %v", audit, err)
	}
}
