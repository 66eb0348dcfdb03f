package limits

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/drayhorse/drayhorse/internal/embedded"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

var runMutants = flag.Bool("mutants", false, "run the tests of the tests")

// mutants each break one rule of balance.lua on purpose, and the randomized test must notice.
var mutants = []struct{ name, from, to string }{
	{"what is taken away is free at once", "r[to], changed[p] = now_to, true", "r[to], r[at_most], changed[p] = now_to, now_to, true"},
	{"what is granted is still free", "r[at_most], r[to], changed[p] = n, r[to] + up, true", "r[to], changed[p] = r[to] + up, true"},
	{"an old answer counts", "elseif version == r.version and counted then", "elseif counted then"},
	{"starts come from nowhere", "math.min(math.max(pool, 0), math.max(r.b_to - had[p], 0) * 1000)", "math.max(r.b_to - had[p], 0) * 1000"},
	{"there are more starts than the burst", "pool = math.max(math.min(pool, (burst - given) * 1000), 0)", ""},
	{"nothing runs when a limit begins to count", "rows[p].version + 1, 1, ANY end", "rows[p].version + 1, 1, 0 end"},
	{"there are no turns", "if not may_start(r) then return 2 end", ""},
	{"turns are short", "TURN + 1.5 * every * burst / 1000", "TURN"},
}

// mutantRuns is how many runs of the randomized test have to notice.
const mutantRuns = 400

func TestSharesModelNoticesMutants(t *testing.T) { //nolint:paralleltest // a mutant changes the script meanwhile
	for _, m := range mutants {
		text := library.Assemble("balance")
		if strings.Count(text, m.from) != 1 {
			t.Fatalf("%s: balance has not one %q", m.name, m.from)
		}
		if !*runMutants {
			continue
		}
		t.Run(m.name, func(t *testing.T) { //nolint:paralleltest // likewise
			server, err := embedded.StartAt(time.UnixMilli(1_700_000_000_000))
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			original := balanceScript
			defer func() { balanceScript = original }()
			balanceScript = original.WithText(strings.Replace(text, m.from, m.to, 1))
			client := open(t, server.URL()+redistest.Patient)
			run := rapid.Custom(func(t *rapid.T) (failed bool) {
				defer func() {
					_ = recover() // how rapid ends a run that failed
					failed = t.Failed()
				}()
				newWorld(t, server, client, fmt.Sprintf("%s%d", t.Name(), time.Now().UnixNano())).run(t)
				return false
			})
			begun := time.Now()
			for seed := range mutantRuns {
				if run.Example(seed) {
					t.Logf("noticed by run %d, after %v", seed, time.Since(begun))
					return
				}
			}
			t.Errorf("the randomized test does not notice within %d runs", mutantRuns)
		})
	}
}
