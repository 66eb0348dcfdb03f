package demo

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

// goodBooks agree on three files, a, b and c, and four ticks.
func goodBooks() *books {
	b := &books{
		digests: map[string]string{}, imported: 3,
		totals: map[string]int64{"enqueued": 3, "completed": 3, "rescued": 1},
	}
	for i, path := range []string{"a", "b", "c"} {
		b.digests[path] = strings.Repeat(path, 64)
		b.records = append(b.records, &drayhorse.Info{
			ID: fmt.Sprint(i), State: drayhorse.Completed, Attempt: 1,
			Args:   json.RawMessage(fmt.Sprintf(`{"path":%q}`, path)),
			Result: json.RawMessage(fmt.Sprintf(`"%s  %s\n"`, b.digests[path], path)),
		})
	}
	for i := range 4 {
		b.ticks = append(b.ticks, &drayhorse.Info{Tick: time.Unix(int64(i)*int64(progressEvery/time.Second), 0)})
	}
	return b
}

func TestAudit(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change   func(b *books)
		verified int
		fault    string // in one of them; "": none
	}{
		"all agree":          {func(*books) {}, 3, ""},
		"import lost one":    {func(b *books) { b.imported = 2 }, 3, "jobs that the producer imported: 2; want 3"},
		"stored twice":       {func(b *books) { b.totals["enqueued"] = 4 }, 3, "jobs that the engine stored: 4"},
		"finished twice":     {func(b *books) { b.totals["completed"] = 4 }, 3, "finishes that the engine accepted: 4"},
		"record lost":        {func(b *books) { b.records = b.records[1:] }, 2, "a: no record"},
		"record twice":       {func(b *books) { b.records = append(b.records, b.records[1]) }, 2, "b: 2 records"},
		"one lost, one more": {func(b *books) { b.records[0] = b.records[1] }, 1, "a: no record"},
		"wrong digest":       {func(b *books) { b.records[2].Result = b.records[1].Result }, 2, "c: digest bbb"},
		"digest cut short":   {func(b *books) { b.digests["c"] += "c" }, 2, "c: digest ccc"},
		"no result":          {func(b *books) { b.records[2].Result = nil }, 2, "c: result ; want a JSON string"},
		"still running":      {func(b *books) { b.records[0].State = drayhorse.Running }, 2, "a: job 0 is running"},
		"discarded":          {func(b *books) { b.records[0].State = drayhorse.Discarded }, 2, "a: job 0 is discarded"},
		"another file":       {func(b *books) { b.records[0].Args = json.RawMessage(`{"path":"x"}`) }, 2, "record 0: arguments"},
		"no file":            {func(b *books) { b.records[0].Args = json.RawMessage(`1`) }, 2, "record 0: arguments 1"},
		"tick missing":       {func(b *books) { b.ticks = slices.Delete(b.ticks, 1, 2) }, 3, "tick 00:00:03: 0 jobs; want 1"},
		"tick twice":         {func(b *books) { b.ticks = append(b.ticks, b.ticks[2]) }, 3, "tick 00:00:06: 2 jobs; want 1"},
		"tick of its own":    {func(b *books) { b.ticks[2].Tick = time.Unix(7, 0) }, 3, "tick 1970-01-01T00:00:07Z: not one"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := goodBooks()
			test.change(b)
			verified, faults := b.audit()
			if verified != test.verified {
				t.Errorf("%d verified; want %d", verified, test.verified)
			}
			has := slices.ContainsFunc(faults, func(fault string) bool { return strings.Contains(fault, test.fault) })
			if test.fault == "" && len(faults) > 0 || test.fault != "" && !has {
				t.Errorf("faults %q; want %q", faults, test.fault)
			}
		})
	}
}

func TestAttemptsCountRescuedRuns(t *testing.T) {
	t.Parallel()
	b := goodBooks()
	b.records[0].Attempt, b.records[1].Rescues = 3, 2
	if n := b.attempts(); n != 7 {
		t.Errorf("%d attempts; want 7", n)
	}
}
