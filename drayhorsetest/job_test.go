package drayhorsetest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/drayhorsetest"
)

func TestJobByHand(t *testing.T) {
	t.Parallel()
	job := drayhorsetest.Job(welcome{UserID: 42}, drayhorse.Queue("mail"), drayhorse.MaxAttempts(3), drayhorse.ID("w"))
	if job.Kind != "welcome" || job.Args.UserID != 42 || job.Queue != "mail" || job.MaxAttempts != 3 || job.ID != "w" || job.Attempt != 1 {
		t.Errorf("made %+v", job)
	}
	if said := fails(t, func(tb testing.TB) { drayhorsetest.Result[int](tb, job) }); !strings.Contains(said, "no result") {
		t.Errorf("without a result it says %s", said)
	}
	for _, v := range []any{"first", item{"bolt", 3}} {
		if err := job.SetResult(v); err != nil {
			t.Fatal(err)
		}
	}
	if got := drayhorsetest.Result[item](t, job); got != (item{"bolt", 3}) {
		t.Errorf("result %+v", got)
	}
	if said := fails(t, func(tb testing.TB) { drayhorsetest.Result[int](tb, job) }); !strings.Contains(said, `is no int`) {
		t.Errorf("of another type it says %s", said)
	}
	if err := job.SetResult(strings.Repeat("x", 2<<20)); !errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("a result of 2 MiB: %v", err)
	}
	if said := fails(t, func(tb testing.TB) { drayhorsetest.Result[int](tb, &drayhorse.Job[welcome]{}) }); !strings.Contains(said, "not made by") {
		t.Errorf("of another's job it says %s", said)
	}
}

type unstored struct {
	Kept string
	Gone string `json:"-"`
}

func (unstored) Kind() string { return "unstored" }

// TestJobIsDecoded shows a handler what a worker would: fields that are not stored are
// empty.
func TestJobIsDecoded(t *testing.T) {
	t.Parallel()
	if job := drayhorsetest.Job(&unstored{"a", "b"}); job.Args.Kept != "a" || job.Args.Gone != "" {
		t.Errorf("arguments %+v", job.Args)
	}
	defer func() {
		if r := recover(); r == nil {
			t.Error("a nil pointer makes a job")
		}
	}()
	drayhorsetest.Job((*unstored)(nil))
}

func TestSnoozed(t *testing.T) {
	t.Parallel()
	if d := drayhorsetest.Snoozed(t, drayhorse.Snooze(time.Minute)); d != time.Minute {
		t.Errorf("snoozed for %v", d)
	}
	for _, err := range []error{nil, errors.New("x"), drayhorse.RetryAfter(time.Minute, nil)} {
		if said := fails(t, func(tb testing.TB) { drayhorsetest.Snoozed(tb, err) }); !strings.Contains(said, "want drayhorse.Snooze") {
			t.Errorf("of %v it says %s", err, said)
		}
	}
}
