package admin_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
)

// TestMarksAreKeptInTheirOrder, the last ones, and are read by time.
func TestMarksAreKeptInTheirOrder(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		ctx := t.Context()
		if all, err := y.admin.Marks(ctx, time.Time{}, time.Time{}); err != nil || len(all) != 0 {
			t.Errorf("of none: %v, %v", all, err)
		}
		for text, want := range map[string]error{"": drayhorse.ErrInvalid, " ": drayhorse.ErrInvalid, "a\nb": drayhorse.ErrInvalid, strings.Repeat("x", 201): drayhorse.ErrInvalid} {
			if _, err := y.admin.AddMark(ctx, text); !errors.Is(err, want) {
				t.Errorf("mark %q: %v", text, err)
			}
		}
		first, err := y.admin.AddMark(ctx, " deploy 1 ")
		if err != nil || first.Text != "deploy 1" || first.At.IsZero() {
			t.Fatalf("%+v, %v", first, err)
		}
		const n = admin.MaxMarks + 5
		for i := 2; i <= n; i++ {
			if _, err := y.admin.AddMark(ctx, fmt.Sprint("deploy ", i)); err != nil {
				t.Fatal(err)
			}
		}
		all, err := y.admin.Marks(ctx, time.Time{}, time.Time{})
		if err != nil || len(all) != admin.MaxMarks || all[0].Text != "deploy 6" || all[len(all)-1].Text != fmt.Sprint("deploy ", n) {
			t.Fatalf("%d marks, %v, from %+v to %+v", len(all), err, all[0], all[len(all)-1])
		}
		last := all[len(all)-1].At
		if since, err := y.admin.Marks(ctx, last.Add(time.Millisecond), time.Time{}); err != nil || len(since) != 0 {
			t.Errorf("after the last: %+v, %v", since, err)
		}
		if till, err := y.admin.Marks(ctx, last, last); err != nil || len(till) == 0 || till[len(till)-1] != all[len(all)-1] {
			t.Errorf("at the last: %+v, %v", till, err)
		}
	})
}
