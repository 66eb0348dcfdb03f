package top

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func keysOf(l *list[string]) (all []string) {
	for _, r := range l.rows {
		all = append(all, r.key)
	}
	return all
}

func newList(values ...string) *list[string] {
	l := &list[string]{key: func(s string) string { return s }}
	l.take(values)
	return l
}

// TestWhatIsChosenStaysChosen whatever comes, goes and moves around it; and where it was on the
// screen, as far as there are rows.
func TestWhatIsChosenStaysChosen(t *testing.T) {
	t.Parallel()
	l := newList("a", "b", "c", "d")
	l.move(2)
	l.show(3)
	l.take([]string{"x", "y", "a", "b", "c", "d", "e"})
	if r, _ := l.chosen(); r.key != "c" || r.gone {
		t.Errorf("%q is chosen, gone: %v; want c", r.key, r.gone)
	}
	if rows, at := l.show(3); at != 2 || rows[at].key != "c" {
		t.Errorf("it moved to line %d of %v", at, rows)
	}
	l.take([]string{"d", "e"}) // it goes
	if r, _ := l.chosen(); r.key != "c" || !r.gone {
		t.Errorf("%q is chosen, gone: %v; want c, gone", r.key, r.gone)
	}
	l.take([]string{"d", "c", "e"}) // it comes back
	if r, _ := l.chosen(); r.key != "c" || r.gone || len(l.rows) != 3 {
		t.Errorf("%q is chosen, gone: %v, of %v; want c", r.key, r.gone, keysOf(l))
	}
	l.take([]string{"d", "e", "f"})
	l.move(1) // away from what is gone
	if r, _ := l.chosen(); r.key != "e" || !slices.Equal(keysOf(l), []string{"d", "e", "f"}) {
		t.Errorf("%q is chosen of %v; want e", r.key, keysOf(l))
	}
	l.take(nil)
	l.move(1)
	if r, ok := l.chosen(); !ok || r.key != "e" || !r.gone {
		t.Errorf("%q is chosen, gone: %v; want e, which is all there is", r.key, r.gone)
	}
}

// TestLists: whatever is read and pressed, what is chosen changes by keys alone, and is shown.
func TestLists(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := newList()
		values := rapid.SliceOfNDistinct(rapid.StringMatching("[a-h]"), 0, 8, rapid.ID)
		height := rapid.IntRange(1, 5)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			before, had := l.chosen()
			if rapid.Bool().Draw(t, "reads") {
				fresh := values.Draw(t, "rows")
				l.take(fresh)
				if after, ok := l.chosen(); had && (!ok || after.key != before.key || after.gone == slices.Contains(fresh, before.key)) {
					t.Fatalf("%+v was chosen, and then %+v of %v", before, after, fresh)
				}
			} else {
				by := rapid.IntRange(-3, 3).Draw(t, "by")
				others := len(l.rows) > 1
				l.move(by)
				if after, _ := l.chosen(); by != 0 && others && after.gone {
					t.Fatalf("what is gone, %+v, was chosen by a key", after)
				}
			}
			h := height.Draw(t, "height")
			rows, at := l.show(h)
			if chosen, ok := l.chosen(); ok && (at < 0 || at >= len(rows) || rows[at].key != chosen.key) {
				t.Fatalf("%+v is chosen and not shown: %v of %v", chosen, rows, keysOf(l))
			}
			if len(rows) < min(h, len(l.rows)) {
				t.Fatalf("%d rows are shown of %d, in %d lines", len(rows), len(l.rows), h)
			}
		}
	})
}

func TestKeysOfLists(t *testing.T) {
	t.Parallel()
	values := make([]string, 100)
	for i := range values {
		values[i] = fmt.Sprint(i)
	}
	l := newList(values...)
	for _, c := range []struct {
		k    key
		want string
	}{{"j", "1"}, {"down", "2"}, {"k", "1"}, {"up", "0"}, {"up", "0"}, {"pgdown", "9"}, {"ctrl+d", "18"}, {"pgup", "9"}, {"G", "99"}, {"down", "99"}, {"g", "0"}, {"end", "99"}, {"home", "0"}} {
		if !l.steer(c.k, 10) {
			t.Errorf("%s does not move", c.k)
		}
		if r, _ := l.chosen(); r.key != c.want {
			t.Errorf("after %s %s is chosen; want %s", c.k, r.key, c.want)
		}
	}
	if l.steer("C", 10) || l.steer("enter", 10) {
		t.Error("keys move that do something else")
	}
}
