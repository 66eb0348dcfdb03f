package admin_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
)

func TestTheAuditKeepsWhatWasDone(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		for i := range 5 {
			if err := y.admin.Record(t.Context(), admin.AuditRecord{User: "ann", Action: fmt.Sprint("act", i), Queue: "q", Result: "done", ID: "x", At: time.Unix(1, 0)}, false); err != nil {
				t.Fatal(err)
			}
		}
		long := admin.AuditRecord{Action: "login", Result: strings.Repeat("\x00", 100_000), Reason: strings.Repeat("ü", 100_000)}
		if err := y.admin.Record(t.Context(), long, true); err != nil {
			t.Fatal(err)
		}
		var all []string
		for cursor := ""; ; {
			page, err := y.admin.Audit(t.Context(), false, cursor, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page.Records {
				all = append(all, r.Action)
				if r.User != "ann" || r.ID == "x" || time.Since(r.At).Abs() > time.Hour {
					t.Errorf("record %+v", r)
				}
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if want := []string{"act4", "act3", "act2", "act1", "act0"}; !slices.Equal(all, want) {
			t.Errorf("acts %v; want %v", all, want)
		}
		page, err := y.admin.Audit(t.Context(), true, "", 200)
		if err != nil || len(page.Records) != 1 || page.Records[0].Action != "login" || len(page.Records[0].Result) > 2000 {
			t.Errorf("refusals %+v, %v", page, err)
		}
		for _, c := range []struct {
			cursor string
			limit  int
		}{{"", 0}, {"", 201}, {"x", 1}, {"-", 1}, {"+", 1}, {"1-1 COUNT", 1}} {
			if _, err := y.admin.Audit(t.Context(), false, c.cursor, c.limit); !errors.Is(err, drayhorse.ErrInvalid) {
				t.Errorf("%q, %d: %v", c.cursor, c.limit, err)
			}
		}
	})
}

func TestListsWithinAScope(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		for _, queue := range []string{"a", "b", "c"} {
			for _, kind := range []string{"k", "l"} {
				y.enqueue(kind, drayhorse.Queue(queue), drayhorse.ID(queue+kind))
			}
		}
		for want, within := range map[string][]string{"ak al bk": {"a", "b/k"}, "ak bk ck": {"*/k"}, "": {}, "ak al bk bl ck cl": nil} {
			page, err := y.admin.Jobs(t.Context(), admin.Filter{Within: within})
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, info := range page.Jobs {
				ids = append(ids, info.ID)
			}
			slices.Sort(ids)
			if got := strings.Join(ids, " "); got != want {
				t.Errorf("within %q: %s; want %s", within, got, want)
			}
		}
		if _, err := y.admin.Jobs(t.Context(), admin.Filter{Within: []string{"a b"}}); !errors.Is(err, drayhorse.ErrInvalid) {
			t.Errorf("no queue: %v", err)
		}
		if _, err := y.admin.Count(t.Context(), admin.Filter{Within: []string{"a"}}); !errors.Is(err, drayhorse.ErrInvalid) {
			t.Errorf("a count: %v", err)
		}
	})
}

func TestOthersActUnderTheirNames(t *testing.T) {
	onEach(t, func(t *testing.T, y *yard) {
		y.enqueue("k", drayhorse.Queue("q"))
		if err := y.admin.As("bob").Pause(t.Context(), admin.Target{Queue: "q"}, "hot"); err != nil {
			t.Fatal(err)
		}
		queue, err := y.admin.Queue(t.Context(), "q")
		if err != nil || len(queue.Pauses) != 1 || queue.Pauses[0].By != "bob" || queue.Pauses[0].Why != "hot" {
			t.Errorf("pauses %+v, %v", queue, err)
		}
	})
}
