package chaos

import (
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"
)

// row is one fault of the matrix.
type row struct {
	name    string
	target  string // what must hold beside a valid verdict
	run     func(*rig)
	smoke   bool // part of every run of the tests
	alone   bool // it needs a network namespace of its own
	poisons bool // it has jobs that are given up because their workers die
}

// matrix has the rows in the order in which they are run.
var matrix = slices.Concat(workerRows, redisRows, schedulerRows, replicaRows, clusterRows, jobRows, limitRows, diskRows, clockRows, versionRows, partitionRows)

// TestMatrix runs the rows that the flags ask for, one after the other. The smoke runs
// beside other tests, so its rows run beside each other, and no times are judged.
func TestMatrix(t *testing.T) { //nolint:paralleltest // rows measure time
	rows := chosen(t)
	results := make([]*result, len(rows))
	t.Cleanup(func() {
		if err := publish(results); err != nil {
			t.Error(err)
		}
	})
	for i := range rows {
		seed := *seedFlag
		if seed == 0 {
			seed = rand.Uint64N(1_000_000)
		}
		t.Run(rows[i].name, func(t *testing.T) { //nolint:paralleltest // see above
			if isSmoke() {
				t.Parallel()
			}
			results[i] = play(t, &rows[i], seed)
		})
	}
}

func isSmoke() bool { return *rowFlag == "" && *soakFlag == 0 }

// chosen gives the rows that the flags ask for.
func chosen(t *testing.T) []row {
	t.Helper()
	name := *rowFlag
	rows := slices.DeleteFunc(slices.Clone(matrix), func(r row) bool {
		switch name {
		case "":
			return !r.smoke || *soakFlag > 0
		case "all":
			return false
		}
		return r.name != name
	})
	if len(rows) == 0 && *soakFlag == 0 {
		var names []string
		for _, r := range matrix {
			names = append(names, r.name)
		}
		t.Fatalf("no row %q; want one of %v", name, names)
	}
	return rows
}

// play runs a row. Its result is there however the row ends.
func play(t *testing.T, row *row, seed uint64) *result {
	t.Helper()
	t.Logf("go test -v ./test/chaos -row %s -seed %d", row.name, seed)
	if row.alone && os.Getenv(island) == "" {
		return playAlone(t, row, seed)
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
