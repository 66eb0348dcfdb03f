package filter_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/filter"
)

var now = time.UnixMilli(1_800_000_000_000).UTC()

func TestTextsAreUnderstood(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]filter.Filter{
		"":                                    {},
		"  ":                                  {},
		"state:discarded kind:mail":           {State: drayhorse.Discarded, Kind: "mail"},
		"  queue:a.b  id:order- ":             {Queue: "a.b", ID: "order-"},
		`error:"Connection \"refused\" \\ 7"`: {Error: `connection "refused" \ 7`},
		`error:a:b`:                           {Error: "a:b"},
		"after:1w":                            {After: now.Add(-7 * 24 * time.Hour)},
		"before:2h after:3d":                  {Before: now.Add(-2 * time.Hour), After: now.Add(-72 * time.Hour)},
		"after:2026-11-01T00:00:00Z kind:k":   {After: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Kind: "k"},
		"priority:low":                        {Priority: new(drayhorse.Low)},
		"group:tenant-42@eu":                  {Group: "tenant-42@eu"},
		"tag:eu kind:k tag:import":            {Kind: "k", Tags: []string{"eu", "import"}},
		`args.user.id:42 args.to:"a b"`:       {Args: []filter.Arg{{[]string{"user", "id"}, "42"}, {[]string{"to"}, "a b"}}},
		"kind:a-b_c.d:e":                      {Kind: "a-b_c.d:e"},
		"worker:4f1c":                         {Worker: "4f1c"},
		`Relay kind:k "10.0.0.7:25 Away"`:     {Kind: "k", Text: []string{"relay", "10.0.0.7:25 away"}},
		`"discarded" a=b`:                     {Text: []string{"discarded", "a=b"}},
	} {
		got, err := filter.Parse(text, now)
		if err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
	}
}

func TestMistakesAreNamedByTheirPlace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"kind:k discarded":           `at character 8: "discarded" is a state; want state:discarded, or quotes around it`,
		"kind=mail":                  `at character 1: "kind=mail" is no term; want kind:mail`,
		"kind:k args.user.id=42":     `at character 8: "args.user.id=42" is no term; want args.user.id:42`,
		`""`:                         `at character 1: the text is empty; want a part of an ID`,
		`"a" "b`:                     `at character 5: the quote does not end`,
		"10.0.0.7:25":                `at character 1: "10.0.0.7" is not known; want one of state, queue, kind, id, priority, group, tag, args.PATH, error, worker, before, after, or quotes around a text with a colon`,
		strings.Repeat("a ", 17):     "at character 33: there are more than 16 terms",
		"worker:":                    `at character 8: worker has no value; want the beginning of a worker's ID`,
		"kind:k sate:discarded":      `at character 8: "sate" is not known; want one of state, queue`,
		"kind:k state:dead":          `at character 14: state "dead" is not known; want one of scheduled`,
		"kind:a kind:b":              `at character 8: kind comes twice`,
		"kind:":                      `at character 6: kind has no value; want the name of a kind`,
		`error:""`:                   `at character 7: error has no value`,
		`error:"a`:                   `at character 7: the quote does not end`,
		`error:"a"b`:                 `at character 10: a space is missing behind the quote`,
		"priority:3":                 `at character 10: priority "3"; want low, normal, high or urgent`,
		"group:a/b":                  `at character 7: group "a/b"; want the name of a group`,
		"tag:":                       `at character 5: tag has no value; want one tag`,
		"kind:k tag:a,b":             `at character 12: tag "a,b"; want one tag, of letters`,
		"args.user:":                 `at character 11: args.user has no value; want a value of the arguments`,
		"args.:1":                    `at character 6: the path "" has an empty part`,
		"args.a..b:1":                `at character 6: the path "a..b" has an empty part; want names with dots`,
		"args:1":                     `at character 1: "args" is not known; want one of state, queue, kind, id, priority, group, tag, args.PATH`,
		strings.Repeat("tag:a ", 17): "at character 97: there are more than 16 terms",
		"kind:a/b":                   `at character 6: kind "a/b"; want the name of a kind`,
		"before:soon":                `at character 8: before "soon"; want a time such as 2h`,
		"before:-2h":                 `at character 8: before "-2h"; want a time`,
		"before:99999d":              `at character 8: before "99999d"; want a time`,
		"after:1h before:2h":         `no time is after`,
		strings.Repeat("k", 1025):    `at character 1025: it goes on for 1025 bytes; want at most 1024`,
		strings.Repeat("x:1 ", 3):    `at character 1: "x" is not known`,
	} {
		_, err := filter.Parse(text, now)
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, drayhorse.ErrInvalid) {
			t.Errorf("%.60q: %v; want %s", text, err, want)
		}
	}
}

func TestJobsMeetAllTerms(t *testing.T) {
	t.Parallel()
	job := &drayhorse.Info{
		ID: "order-1", Worker: "4f1c", Kind: "mail", Queue: "q", State: drayhorse.Discarded, EnqueuedAt: now.Add(-5 * time.Hour), FinishedAt: now.Add(-time.Hour),
		Priority: drayhorse.High, Group: "tenant-42", Tags: []string{"import", "eu"}, Args: []byte(`{"to":"ann","n":18446744073709551616,"user":{"id":42,"gone":null,"ok":true},"list":[{"a":"x"},"y"]}`),
		Errors: []drayhorse.AttemptError{{Message: "first"}, {Message: "Connection refused"}},
	}
	for text, want := range map[string]bool{
		"": true, "state:discarded": true, "state:completed": false, "kind:mail": true, "kind:mai": false, "queue:q": true, "queue:p": false,
		"ORDER-1 refused": true, "mail": true, "42": true, "eu": true, "first": false, "ann": false, "refused missing": false, "worker:4f": true, "worker:f1": false,
		"id:order": true, "id:rder": false, "error:REFUSED": true, "error:first": false,
		"priority:high": true, "priority:normal": false, "group:tenant-42": true, "group:tenant-4": false,
		"tag:eu": true, "tag:import tag:eu": true, "tag:us": false, "tag:eu tag:us": false,
		"args.to:ann": true, "args.to:an": false, "args.user.id:42": true, "args.user.id:4": false, "args.n:18446744073709551616": true, "args.user.ok:true": true,
		"args.user.gone:null": true, "args.user.none:null": false, "args.list.0.a:x": true, "args.list.1:y": true, "args.list.2:y": false, "args.list.a:y": false,
		"args.user:42": false, `args.list:"[{\"a\":\"x\"},\"y\"]"`: false, "args.to.x:ann": false, "args.to:ann args.user.id:42 tag:eu kind:mail": true, "args.to:ann args.user.id:43": false,
		"before:30m": true, "before:2h": false, "after:2h": true, "after:30m": false,
		"state:discarded kind:mail id:order-1 error:\"connection ref\" after:2h before:30m": true, "state:discarded kind:other": false,
	} {
		f, err := filter.Parse(text, now)
		if err != nil || f.Matches(job) != want {
			t.Errorf("%q: %v; want %v", text, err, want)
		}
	}
}

func TestTheLastTermIsCompleted(t *testing.T) {
	t.Parallel()
	known := func(term string) []string {
		return map[string][]string{"queue": {"mail", "orders", "main", "mail"}, "kind": {"mail.send"}, "nothing": {"x"}}[term]
	}
	names := []string{"state:", "queue:", "kind:", "id:", "priority:", "group:", "tag:", "args.", "error:", "worker:", "before:", "after:"}
	for text, want := range map[string][]string{
		"": names, "st": {"state:"}, "a": {"args.", "after:"}, "A": {"args.", "after:"}, "x": nil, `"st`: nil, `"a b" st`: {`"a b" state:`},
		"state:":  {"state:scheduled", "state:available", "state:running", "state:retryable", "state:completed", "state:cancelled", "state:discarded"},
		"state:c": {"state:completed", "state:cancelled"}, "state:C": {"state:completed", "state:cancelled"}, "state:completed": nil,
		"queue:ma": {"queue:mail", "queue:main"}, "queue:": {"queue:mail", "queue:main", "queue:orders"}, `queue:"ma`: {"queue:mail", "queue:main"},
		"tag:eu t": {"tag:eu tag:"}, "state:discarded s": nil, "state:discarded kind:": {"state:discarded kind:mail.send"}, "kind:mail.": {"kind:mail.send"},
		"priority:": {"priority:low", "priority:normal", "priority:high", "priority:urgent"}, "before:1": {"before:15m", "before:1h", "before:1d", "before:1w"},
		`error:"a b" st`: {`error:"a b" state:`}, `error:"a st`: nil, "nothing:": nil, "args.user:": nil, "args.us": nil,
		"state:discarded queue:mail kind:k id:a priority:low group:g error:x worker:w before:1h after:2h ": {
			"state:discarded queue:mail kind:k id:a priority:low group:g error:x worker:w before:1h after:2h tag:", "state:discarded queue:mail kind:k id:a priority:low group:g error:x worker:w before:1h after:2h args.",
		},
	} {
		if got := filter.Complete(text, known); !slices.Equal(got, want) {
			t.Errorf("%q: %q; want %q", text, got, want)
		}
	}
	many := func(string) (all []string) {
		for i := range 1000 {
			all = append(all, fmt.Sprint("q", i))
		}
		return all
	}
	if got := filter.Complete("queue:", many); len(got) != 50 {
		t.Errorf("%d are offered; want 50", len(got))
	}
	if got := filter.Complete("queue:", nil); len(got) != 0 {
		t.Errorf("%q: nobody knows any", got)
	}
}

func FuzzComplete(f *testing.F) {
	for _, text := range []string{"", "st", `error:"`, "queue:", `"a b" k`, "::", "args.a:b t", "\xff:"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, offered := range filter.Complete(text, func(string) []string { return []string{"a"} }) {
			if len(offered) < len(text)-1 { // a quote may go
				t.Errorf("%q became %q", text, offered)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{`state:discarded kind:mail error:"a \" b" before:2h`, "id:a after:2026-11-01T00:00:00Z", `error:"`, "a:b:c", ":", "::", "\x00:\xff", "before:1d2h", "tag:a args.b.0:c", `a "b c" d=e`, `"`, `"" `} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := filter.Parse(text, now)
		var wrong *filter.Error
		switch {
		case err == nil:
			got.Matches(&drayhorse.Info{})
		case !errors.As(err, &wrong) || wrong.At < 0 || wrong.At > len(text) || wrong.Text == "":
			t.Errorf("%q: %v", text, err)
		}
	})
}
