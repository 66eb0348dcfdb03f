package admin_test

import (
	"errors"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
)

// TestLimitsOfOneQueue are those of that queue alone, by name.
func TestLimitsOfOneQueue(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		ctx := t.Context()
		for _, l := range []drayhorse.Limit{
			{Name: "b", Queue: "q", Concurrency: 2}, {Name: "a", Queue: "q", Kind: "k", Concurrency: 1}, {Name: "c", Queue: "other", Concurrency: 3},
		} {
			if err := y.admin.SetLimit(ctx, l, "fragile"); err != nil {
				t.Fatal(err)
			}
		}
		got, err := y.admin.LimitsOf(ctx, "q")
		if err != nil || len(got) != 2 || got[0].Name != "a" || got[0].Kind != "k" || got[1].Concurrency != 2 || got[1].Why != "fragile" {
			t.Errorf("%+v, %v; want a and b", got, err)
		}
		if _, err := y.admin.CreateQueue(ctx, "wide", 3); err != nil {
			t.Fatal(err)
		}
		if got, err := y.admin.LimitsOf(ctx, "wide"); err != nil || len(got) != 0 {
			t.Errorf("of several partitions: %+v, %v; want none", got, err)
		}
		if _, err := y.admin.LimitsOf(ctx, "nowhere"); !errors.Is(err, drayhorse.ErrNotFound) {
			t.Errorf("of no queue: %v", err)
		}
		if _, err := y.admin.LimitsOf(ctx, "a/b"); !errors.Is(err, drayhorse.ErrQueueInvalid) {
			t.Errorf("of no name: %v", err)
		}
	})
}

// TestCountLimits are those of the queues that are there, and those of all.
func TestCountLimits(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		ctx := t.Context()
		for _, l := range []drayhorse.Limit{
			{Name: "b", Queue: "q", Concurrency: 2}, {Name: "d", Queue: "r", Concurrency: 1}, {Name: "c", Queue: "other", Concurrency: 3}, {Name: "a", Kind: "k", Concurrency: 4},
		} {
			if err := y.admin.SetLimit(ctx, l, ""); err != nil {
				t.Fatal(err)
			}
		}
		for want, names := range map[string][]string{"a b d ": {"r", "nowhere", "q"}, "a c ": {"other"}, "a ": nil} {
			got, err := y.admin.CountLimits(ctx, names...)
			text := ""
			for i := range got {
				text += got[i].Name + " "
			}
			if err != nil || text != want {
				t.Errorf("of %q: %q, %v; want %q", names, text, err, want)
			}
		}
		if _, err := y.admin.CountLimits(ctx, make([]string, admin.MaxCounted+1)...); !errors.Is(err, drayhorse.ErrInvalid) {
			t.Errorf("of too many: %v", err)
		}
	})
}
