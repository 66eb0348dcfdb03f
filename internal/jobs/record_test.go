package jobs

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/drayhorse/drayhorse"
)

func TestErrorsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var stored string
		var want []drayhorse.AttemptError
		for range rapid.IntRange(0, 5).Draw(t, "errors") {
			e := drayhorse.AttemptError{
				Attempt: rapid.IntRange(0, 1<<31).Draw(t, "attempt"), At: time.UnixMilli(rapid.Int64Range(0, 1<<42).Draw(t, "at")),
				Message: rapid.String().Draw(t, "message"), Stack: rapid.String().Draw(t, "stack"),
			}
			stored += encodeError(e)
			want = append(want, e)
		}
		got := decodeErrors(stored)
		if len(got) != len(want) {
			t.Fatalf("%d errors, want %d", len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("got %+v, want %+v", got[i], want[i])
			}
		}
	})
}

func TestErrorsAreCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	e := decodeErrors(encodeError(drayhorse.AttemptError{
		Message: "x" + strings.Repeat("é", maxMessage), Stack: strings.Repeat("ö", maxStack),
	}))[0]
	if len(e.Message) != maxMessage-1 || len(e.Stack) != maxStack || !utf8.ValidString(e.Message) || !utf8.ValidString(e.Stack) {
		t.Errorf("message of %d and stack of %d bytes", len(e.Message), len(e.Stack))
	}
}

// TestErrorsWithoutATimeStayReadable: no record may make those after it
// unreadable.
func TestErrorsWithoutATimeStayReadable(t *testing.T) {
	t.Parallel()
	got := decodeErrors(encodeError(drayhorse.AttemptError{Attempt: -1, Message: "a"}) + encodeError(drayhorse.AttemptError{Message: "b"}))
	if len(got) != 2 || got[0].Message != "a" || got[1].Message != "b" {
		t.Errorf("got %+v, want both", got)
	}
}

func TestDamagedErrorsAreReported(t *testing.T) {
	t.Parallel()
	good := encodeError(drayhorse.AttemptError{Attempt: 1, At: time.UnixMilli(1), Message: "good"})
	for _, damaged := range []string{"x", "5", "5:", "99:1|2|3|abc", "-1:", "3:abc", "7:1|2|99|"} {
		got := decodeErrors(good + damaged)
		if len(got) != 2 || got[0].Message != "good" || got[1].Message != errRecord.Error() {
			t.Errorf("%q: %+v, want the good one and one that says so", damaged, got)
		}
	}
}

func FuzzDecodeErrors(f *testing.F) {
	f.Add(encodeError(drayhorse.AttemptError{Attempt: 1, Message: "m", Stack: "s"}))
	f.Add("3:abc")
	f.Fuzz(func(_ *testing.T, stored string) { decodeErrors(stored) })
}

func FuzzDecodeRecord(f *testing.F) {
	f.Add("completed|1700000000000|0|0|2|0|{}")
	f.Add("discarded|1|2|3|0|6|4:1|1|0|")
	f.Fuzz(func(t *testing.T, stored string) {
		r, err := decodeRecord(stored)
		if err != nil {
			return
		}
		if !r.state.Ended() || len(r.result)+len(r.errors)+len(r.envelope) > len(stored) {
			t.Fatalf("%q was read as %+v", stored, r)
		}
		ended(&drayhorse.Info{}, stored)
	})
}
