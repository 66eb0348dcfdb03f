package admin

import (
	"errors"
	"testing"

	"github.com/drayhorse/drayhorse"
)

// FuzzCursor: a cursor is the one that a page gave, or is refused.
func FuzzCursor(f *testing.F) {
	f.Add((&position{Queue: "q", State: drayhorse.Scheduled, Partition: 3, Inner: "7"}).String())
	f.Add("")
	f.Add("e30")
	f.Add("bnVsbA")
	f.Fuzz(func(t *testing.T, cursor string) {
		at, err := parsePosition(cursor)
		if err != nil {
			if !errors.Is(err, drayhorse.ErrInvalid) {
				t.Error(err)
			}
			return
		}
		if again, err := parsePosition(at.String()); cursor != "" && (err != nil || *again != *at) {
			t.Errorf("%q: %+v, then %+v, %v", cursor, at, again, err)
		}
		at.settle(nil, "")
	})
}
