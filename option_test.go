package drayhorse_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

func TestResolveDefaults(t *testing.T) {
	s, err := drayhorse.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	if s.Queue != "default" || s.MaxAttempts != 25 || s.Timeout != 30*time.Minute || s.Retain != 0 || s.Given != 0 {
		t.Errorf("defaults = %+v", s)
	}
}

func TestLastOptionOfAKindWins(t *testing.T) {
	s, err := drayhorse.Resolve(drayhorse.Queue("a"), drayhorse.MaxAttempts(0), drayhorse.Queue("b"), drayhorse.MaxAttempts(3))
	if err != nil || s.Queue != "b" || s.MaxAttempts != 3 {
		t.Errorf("settings = %+v, %v", s, err)
	}
}

func TestTagsCountOnce(t *testing.T) {
	s, err := drayhorse.Resolve(drayhorse.Tags("old"), drayhorse.Tags("eu", "import", "eu"))
	if err != nil || !slices.Equal(s.Tags, []string{"eu", "import"}) || !s.Given.Has(drayhorse.FieldTags) {
		t.Errorf("settings = %+v, %v", s, err)
	}
	if s, err = drayhorse.Resolve(drayhorse.Tags()); err != nil || s.Tags != nil {
		t.Errorf("settings = %+v, %v", s, err)
	}
}

func TestImpossibleOptionsAreNamed(t *testing.T) {
	at := time.Now()
	for _, test := range []struct {
		options []drayhorse.Option
		names   string
	}{
		{[]drayhorse.Option{drayhorse.Queue("")}, `""`},
		{[]drayhorse.Option{drayhorse.Queue("a b")}, `"a b"`},
		{[]drayhorse.Option{drayhorse.Queue("a/1")}, `"a/1"`},
		{[]drayhorse.Option{drayhorse.Queue("a@b")}, `"a@b"`},
		{[]drayhorse.Option{drayhorse.Queue(strings.Repeat("x", 129))}, "1-128"},
		{[]drayhorse.Option{drayhorse.ID("")}, `id ""`},
		{[]drayhorse.Option{drayhorse.ID("a b")}, `id "a b"`},
		{[]drayhorse.Option{drayhorse.In(-time.Second)}, "In(-1s)"},
		{[]drayhorse.Option{drayhorse.In(time.Second), drayhorse.At(at)}, "together"},
		{[]drayhorse.Option{drayhorse.In(0), drayhorse.At(at)}, "together"},
		{[]drayhorse.Option{drayhorse.MaxAttempts(0)}, "MaxAttempts(0)"},
		{[]drayhorse.Option{drayhorse.MaxAttempts(-1)}, "MaxAttempts(-1)"},
		{[]drayhorse.Option{drayhorse.Timeout(0)}, "Timeout(0s)"},
		{[]drayhorse.Option{drayhorse.Timeout(-time.Second)}, "Timeout(-1s)"},
		{[]drayhorse.Option{drayhorse.Retain(-time.Second)}, "Retain(-1s)"},
		{[]drayhorse.Option{drayhorse.StartWithin(0)}, "StartWithin(0s)"},
		{[]drayhorse.Option{drayhorse.StartWithin(time.Microsecond)}, "want 1ms to 100 years"},
		{[]drayhorse.Option{drayhorse.Tags("eu", "a,b")}, `tag "a,b"`},
		{[]drayhorse.Option{drayhorse.Tags("")}, `tag ""; want 1-128 of letters`},
		{[]drayhorse.Option{drayhorse.Tags(strings.Split("abcdefghijklmnopq", "")...)}, "17 tags; want at most 16"},
		{[]drayhorse.Option{drayhorse.Durable(-1)}, "Durable(-1)"},
		{[]drayhorse.Option{drayhorse.Durable(17)}, "0 to 16"},
		{[]drayhorse.Option{nil}, "option 0 is nil"},
		{[]drayhorse.Option{drayhorse.ReplaceEnded()}, "ReplaceEnded without ID"},
		{[]drayhorse.Option{drayhorse.Unique(drayhorse.UniqueBy{}), drayhorse.ID("a")}, `ID("a") and Unique are given together`},
		{[]drayhorse.Option{drayhorse.Unique(drayhorse.UniqueBy{Key: "a", Fields: []string{"b"}})}, "want one of them"},
		{[]drayhorse.Option{drayhorse.Unique(drayhorse.UniqueBy{Key: strings.Repeat("x", 1025)})}, "1025 bytes"},
		{[]drayhorse.Option{drayhorse.Unique(drayhorse.UniqueBy{Fields: make([]string, 1)})}, "1 to 16 names"},
		{[]drayhorse.Option{drayhorse.Unique(drayhorse.UniqueBy{Until: 2})}, "Until(unknown (2))"},
		{[]drayhorse.Option{drayhorse.Unique(drayhorse.UniqueBy{Conflict: 4})}, "Conflict(unknown (4))"},
		{[]drayhorse.Option{drayhorse.Unique(drayhorse.UniqueBy{For: -1})}, "For -1ns"},
		{[]drayhorse.Option{drayhorse.Unique(drayhorse.UniqueBy{MaxWait: time.Hour})}, "without Postpone"},
		{[]drayhorse.Option{drayhorse.Unique(drayhorse.UniqueBy{Conflict: drayhorse.Postpone})}, "without In"},
	} {
		_, err := drayhorse.Resolve(test.options...)
		if !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), test.names) || strings.Contains(err.Error(), "\n") {
			t.Errorf("err = %v, want ErrInvalid with %s", err, test.names)
		}
	}
}

func TestQueueErrorIsBoth(t *testing.T) {
	_, err := drayhorse.Resolve(drayhorse.Queue("no good"))
	if !errors.Is(err, drayhorse.ErrQueueInvalid) || !errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("err = %v, want ErrQueueInvalid and ErrInvalid", err)
	}
}

func FuzzNames(f *testing.F) {
	for _, seed := range []string{"", "default", "a@b", "a/b", "{x}", "ü", "\x00", strings.Repeat("x", 200)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		queue, id := drayhorse.ValidateQueue(name), drayhorse.ValidateID(name)
		if queue == nil && id != nil {
			t.Errorf("%q can be a queue but no ID", name)
		}
		if queue == nil && strings.ContainsAny(name, "{}/@ \n") {
			t.Errorf("%q can be a queue", name)
		}
	})
}
