package jobjson_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/jobjson"
)

func TestParseFlow(t *testing.T) {
	t.Parallel()
	text := []byte(`{"id":"order-42","deadline":"6h","retain":"2d","steps":[
		{"name":"ship","kind":"ship","after":["fetch"],"after_hold":["approved"],"delay":"1h","queue":"io","max_attempts":3},
		{"name":"approved","signal":"48h"},
		{"kind":"fetch","name":"fetch","args":{"n":9007199254740993}},
		{"name":"tell","kind":"tell","after_end":["ship","fetch"]}]}`)
	f, err := jobjson.ParseFlow(text)
	if err != nil {
		t.Fatal(err)
	}
	clear(text) // the flow has its own memory
	made := f.Make()
	if made.ID != "order-42" || made.Deadline != 6*time.Hour || made.Retain != 48*time.Hour {
		t.Errorf("%+v", made)
	}
	ordered, err := made.Ordered()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range ordered {
		line := s.Name
		if s.Job == nil {
			line += " within " + s.Timeout.String()
		} else {
			args, err := drayhorse.EncodeArgs(s.Job.Args, 1000)
			settings, err2 := drayhorse.Resolve(s.Job.Options...)
			if err := errors.Join(err, err2); err != nil {
				t.Fatal(err)
			}
			line += fmt.Sprintf(" %s %s %s %d %v", s.Job.Args.Kind(), args, settings.Queue, settings.MaxAttempts, s.Pause)
		}
		for _, e := range s.Edges {
			line += " " + e.Policy.String() + " " + e.To.Name
		}
		got = append(got, line)
	}
	want := []string{
		`approved within 48h0m0s`,
		`fetch fetch {"n":9007199254740993} default 25 0s`,
		`ship ship null io 3 1h0m0s after fetch after_hold approved`,
		`tell tell null default 25 0s after_end ship after_end fetch`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestErrorsOfFlowsNameTheirPlace: the step, by its name and its number, and the field.
func TestErrorsOfFlowsNameTheirPlace(t *testing.T) {
	t.Parallel()
	steps := func(all string) string { return `{"steps":[` + all + `]}` }
	many := strings.Repeat(`{"name":"a","kind":"k"},`, flow.MaxSteps) + `{"name":"b","kind":"k"}`
	for _, c := range []struct{ text, field, want string }{
		{`[]`, "", "not a JSON object"},
		{`{"step":[]}`, "step", `field "step" is not known; want id, deadline, retain, steps`},
		{`{"id":"a b","steps":[]}`, "id", `field id: "a b"; want 1-120 of letters`},
		{`{"id":"` + strings.Repeat("x", 121) + `"}`, "id", "want 1-120 of letters"},
		{`{"deadline":"soon"}`, "deadline", `want a duration`},
		{`{}`, "steps", "field steps is missing or empty"},
		{steps(``), "steps", "field steps is missing or empty"},
		{`{"steps":{}}`, "steps", "field steps: {}; want a list"},
		{steps(`1`), "steps[0]", "step 1: not a JSON object"},
		{steps(`{"kind":"k"}`), "steps[0].name", "step 1: field name is missing"},
		{steps(`{"name":"a/b","kind":"k"}`), "steps[0].name", `field name: "a/b"; want 1-128 of letters`},
		{steps(`{"name":"a"}`), "steps[0].kind", `step "a": field kind is missing or empty`},
		{steps(`{"name":"a","kind":"k"},{"name":"b","kind":"k","args":{"x":{"y":1e999}}}`), "steps[1].args.x.y", `step "b": field args.x.y: 1e999; want a number`},
		{steps(`{"name":"a","kind":"k","queue":"no queue"}`), "steps[0].queue", `"no queue"`},
		{steps(`{"name":"a","kind":"k","knd":"k"}`), "steps[0].knd", `field "knd" is not known; want name, after, after_end, after_hold, delay, signal, or one of a job: kind, args,`},
		{steps(`{"name":"a","kind":"k","id":"1"}`), "steps[0].id", "field id is not possible in a step"},
		{steps(`{"name":"a","kind":"k","unique":true}`), "steps[0].unique", "field unique is not possible in a step"},
		{steps(`{"name":"a","kind":"k","in":"1h"}`), "steps[0].in", "field in is not possible in a step; want delay"},
		{steps(`{"name":"a","kind":"k","signal":"1h"}`), "steps[0].signal", "a step of its own that waits for the signal"},
		{steps(`{"name":"a","signal":"0s"}`), "steps[0].signal", "want how long it is waited for"},
		{steps(`{"name":"a","signal":"1h","delay":"1h"}`), "steps[0].delay", "want it at the steps that come after"},
		{steps(`{"name":"a","kind":"k","after":"b"}`), "steps[0].after", `want a list of texts`},
		{steps(`{"name":"a","kind":"k","after_end":["b"]}`), "steps[0].after_end", `step "a": field after_end: "b" is no step of this flow`},
		{steps(`{"name":"a","kind":"k"},{"name":"a","kind":"k"}`), "steps[1].name", `step "a": another step has this name`},
		{steps(many), "steps", "more than 10000 steps"},
	} {
		_, err := jobjson.ParseFlow([]byte(c.text))
		wrong, ok := errors.AsType[*jobjson.Error](err)
		if !ok || !errors.Is(err, drayhorse.ErrInvalid) || wrong.Field != c.field || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.80s: %v, field %v; want %q in field %q", c.text, err, wrong, c.want, c.field)
		}
	}
}

// FuzzParseFlow: what is let through can be made a flow, and what is not is an *Error.
func FuzzParseFlow(f *testing.F) {
	f.Add([]byte(`{"id":"o","steps":[{"name":"a","kind":"k","args":{"n":1e3}},{"name":"b","signal":"1h","after":["a"]}]}`))
	f.Add([]byte(`{"steps":[{"name":"a","kind":"k","after_end":["a"],"delay":"5m"}]}`))
	f.Add([]byte(`{"steps":[1,{]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		parsed, err := jobjson.ParseFlow(text)
		if err != nil {
			if _, ok := errors.AsType[*jobjson.Error](err); !ok || parsed != nil {
				t.Fatalf("%q: %v, %v; want an *Error", text, parsed, err)
			}
			return
		}
		if _, err := parsed.Make().Ordered(); err != nil && !errors.Is(err, drayhorse.ErrInvalid) {
			t.Fatalf("%q: %v", text, err)
		}
	})
}

func TestParseBatch(t *testing.T) {
	t.Parallel()
	text := []byte(`{"id":"import-42","deadline":"6h","on_complete":{"kind":"report","args":{"n":9007199254740993}},"on_failure":{"kind":"alert","queue":"ops","id":"a"},
		"members":[{"kind":"row","args":{"n":1}},{"kind":"row","id":"mine","queue":"bulk"}],"open":true}`)
	f, err := jobjson.ParseFlow(text)
	if err != nil {
		t.Fatal(err)
	}
	clear(text)
	if f.ID != "import-42" || f.Deadline != 6*time.Hour || !f.IsBatch || !f.Open || len(f.Members) != 2 || f.OnSuccess != nil || f.OnFailure.Settings.Queue != "ops" || f.Members[1].Settings.ID != "mine" {
		t.Errorf("%+v", f)
	}
	all, places := f.Jobs()
	if got := strings.Join(places, " "); got != "members[0] members[1] on_complete on_failure" || all[2] != f.OnComplete {
		t.Errorf("jobs at %s", got)
	}
	m, err := jobjson.ParseMembers([]byte(`{"close":true,"members":[{"kind":"row"}]}`))
	if err != nil || !m.Close || len(m.Members) != 1 {
		t.Errorf("%+v, %v", m, err)
	}
	empty, err := jobjson.ParseFlow([]byte(`{"members":[]}`))
	if err != nil || !empty.IsBatch || len(empty.Members) != 0 {
		t.Errorf("%+v, %v", empty, err)
	}
	many := `{"members":[` + strings.TrimSuffix(strings.Repeat(`{"kind":"k"},`, jobjson.MaxMembers+1), ",") + `]}`
	for text, want := range map[string]string{
		`{"members":[{"kind":"row"},{"knd":"row"}]}`:                             `members[1].knd: member 2: field "knd" is not known`,
		`{"members":[{"kind":"row"},{"args":1}]}`:                                "members[1].kind: member 2: field kind is missing",
		`{"members":{"kind":"row"}}`:                                             "members: field members: ",
		`{"members":[],"on_complete":{"kind":"k","unique":{"for":"1h"}}}`:        "on_complete.unique: on_complete: field unique is not possible in a callback",
		`{"members":[],"on_success":{"kind":"k","id":"a","replace_ended":true}}`: "on_success.replace_ended: on_success: field replace_ended is not possible",
		`{"on_failure":"k"}`:                                                     "on_failure: on_failure: not a JSON object",
		`{"on_failure":{"kind":"k","in":"x"}}`:                                   `on_failure.in: on_failure: field in: "x"`,
		`{"members":[],"open":1}`:                                                "open: field open: 1; want true or false",
		`{"members":[{"kind":"k"}],"steps":[{"name":"a","signal":"1h"}]}`:        "steps: field steps beside those of a batch",
		many: "members: field members: more than 10000",
	} {
		_, err := jobjson.ParseFlow([]byte(text))
		wrong, ok := errors.AsType[*jobjson.Error](err)
		if !ok || !strings.HasPrefix(wrong.Field+": "+err.Error(), want) {
			t.Errorf("%.80s: %v; want %s", text, err, want)
		}
	}
	if _, err := jobjson.ParseMembers([]byte(`{"open":true}`)); err == nil || !strings.Contains(err.Error(), "want members, close") {
		t.Errorf("open in what is added: %v", err)
	}
}
