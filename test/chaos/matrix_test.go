package chaos

import (
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// row is one fault of the matrix.
type row struct {
	name    string
	target  string // what must hold beside a valid verdict
	run     func(*rig)
	smoke   bool // part of every run of the tests
	alone   bool // nothing runs beside it: it judges what a neighbour would spoil
	island  bool // it needs a network namespace of its own
	poisons bool // it has jobs that are given up because their workers die
}

// matrix has the rows in the order in which they are run.
var matrix = slices.Concat(workerRows, redisRows, schedulerRows, replicaRows, clusterRows, nodeRows, jobRows, limitRows, gateRows, flowRows, diskRows, clockRows, versionRows, partitionRows)

// TestMatrix runs the rows that the flags ask for: first, beside each other, those that
// mostly wait, then one by one those that want to be alone. Each has servers of its own.
// The smoke runs beside other tests, and no times are judged.
func TestMatrix(t *testing.T) {
	rows, atOnce := chosen(t), max(1, *atOnceFlag)
	if isSmoke() {
		t.Parallel()
		atOnce = len(rows)
	}
	results := make([]*result, len(rows))
	t.Cleanup(func() {
		if err := publish(results); err != nil {
			t.Error(err)
		}
	})
	start := func(i int) {
		seed := *seedFlag
		if seed == 0 {
			seed = rand.Uint64N(1_000_000)
		}
		t.Run(rows[i].name, func(t *testing.T) { results[i] = play(t, &rows[i], seed) })
	}
	var beside sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for i := range rows {
		if rows[i].alone && !isSmoke() {
			continue
		}
		places <- struct{}{}
		beside.Go(func() {
			defer func() { <-places }()
			start(i)
		})
	}
	beside.Wait()
	for i := range rows {
		if rows[i].alone && !isSmoke() {
			start(i)
		}
	}
}

func isSmoke() bool { return *rowFlag == "" && *soakFlag == 0 }

// chosen gives the rows that the flags ask for.
func chosen(t *testing.T) []row {
	t.Helper()
	wanted := map[string]bool{}
	for _, name := range strings.Split(*rowFlag, ",") {
		wanted[name] = name != ""
	}
	var rows []row
	var names []string
	for _, r := range matrix {
		names = append(names, r.name)
		if wanted[r.name] || wanted["all"] || isSmoke() && r.smoke {
			rows = append(rows, r)
		}
		delete(wanted, r.name)
	}
	delete(wanted, "all")
	delete(wanted, "")
	if len(wanted) > 0 {
		t.Fatalf("no rows %v; there are %v", slices.Collect(maps.Keys(wanted)), names)
	}
	return rows
}

// play runs a row. Its result is there however the row ends.
func play(t *testing.T, row *row, seed uint64) *result {
	t.Helper()
	t.Logf("go test -v ./test/chaos -row %s -seed %d", row.name, seed)
	if row.island && os.Getenv(islandEnv) == "" {
		return playOnIsland(t, row, seed)
	}
	var res *result
	t.Run("play", func(t *testing.T) { //nolint:paralleltest // rows measure time
		r := newRig(t, row, seed)
		res = r.result
		defer func() {
			res.took = time.Since(res.begin)
			res.broke = res.verdict == nil && !t.Skipped()
		}()
		row.run(r)
	})
	return res
}

// skip says that a row cannot be run here, and why.
func (r *rig) skip(why string) {
	r.Helper()
	r.result.skipped = why
	r.Skip("not run: " + why)
}
