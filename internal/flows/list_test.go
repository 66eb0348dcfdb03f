package flows

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
)

// TestADroppedDraftLivesNoLonger, nor what is gone without a word.
func TestADroppedDraftLivesNoLonger(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	keys := store.callOn(tickScript, "draft").Keys // outbox ops timers index living meta steps flow
	if _, err := store.run(t.Context(), submitScript, "draft", "me", "digest", 0, 0, 0, "", "", 2, 0, 100, 0, "j|q/0|k|a", "", "", ""); err != nil {
		t.Fatal(err)
	}
	if all, err := store.Living(t.Context(), 10); err != nil || len(all) != 1 || all[0].State != flow.Draft {
		t.Fatalf("%v, %v; want the draft to live", all, err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(store.client.ZAdd(t.Context(), keys[2], goredis.Z{Member: "draft", Score: 1}).Err())
	must(store.client.HSet(t.Context(), keys[7], "open", 1).Err())
	_, err := store.run(t.Context(), tickScript, "draft")
	must(err)
	if n := store.client.ZCard(t.Context(), keys[4]).Val(); n != 0 {
		t.Errorf("%d live; the draft was dropped", n)
	}
	must(store.client.ZAdd(t.Context(), keys[4], goredis.Z{Member: "draft", Score: 1}).Err())
	for range 2 {
		if all, err := store.Living(t.Context(), 10); err != nil || len(all) != 0 {
			t.Errorf("%v, %v; want none", all, err)
		}
	}
	if n := store.client.ZCard(t.Context(), keys[4]).Val(); n != 0 {
		t.Errorf("%d live; nothing is known of it", n)
	}
}

// TestFlowsAreListedByPages, each once, the latest first, however many were made in the same ms; what is made
// meanwhile is on no later page.
func TestFlowsAreListedByPages(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	made := map[string]float64{}
	create := func(id string, at float64) {
		if _, err := store.Create(t.Context(), flow.Batch{ID: id}, 1000); err != nil {
			t.Fatal(err)
		}
		made[id] = at
		index := store.callOn(listScript, id).Keys[0]
		if err := store.client.ZAdd(t.Context(), index, goredis.Z{Member: id, Score: at}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 60 { // one of some ms, two or three of others, and 30 of one
		create(fmt.Sprint("flow-", i), float64(1_700_000_000_000+min(i, 30)-i%3%2))
	}
	for _, limit := range []int{1, 2, 3, 7, 59, 60, 61} {
		var got []string
		for cursor, pages := "", 0; ; pages++ {
			page, next, err := store.List(t.Context(), cursor, limit)
			if err != nil || pages > 60 {
				t.Fatalf("%d pages, %v", pages, err)
			}
			if len(page) < limit && next != "" || len(page) == 0 && pages == 0 {
				t.Errorf("a page of %d of %d has another behind it", len(page), limit)
			}
			for _, info := range page {
				got = append(got, info.ID)
			}
			if pages == 0 {
				create(fmt.Sprint("meanwhile-", limit), 1_800_000_000_000)
			}
			if cursor = next; cursor == "" {
				break
			}
		}
		got = slices.DeleteFunc(got, func(id string) bool { return made[id] == 1_800_000_000_000 && id != fmt.Sprint("meanwhile-", limit) }) // of the rounds before
		if slices.Contains(got, fmt.Sprint("meanwhile-", limit)) {
			t.Errorf("pages of %d have what was made meanwhile", limit)
		}
		sorted := slices.IsSortedFunc(got, func(a, b string) int { return int(made[b] - made[a]) })
		slices.Sort(got)
		if len(got) != 60 || len(slices.Compact(got)) != 60 || !sorted {
			t.Errorf("pages of %d: %d flows, %d of them different, in order: %v; want all 60 once", limit, len(got), len(slices.Compact(got)), sorted)
		}
	}
	if _, _, err := store.List(t.Context(), "x", 1); !errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("a cursor that is none: %v", err)
	}
}
