package demo

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
)

// books are the accounts of the jobs that must agree. Each is kept by somebody
// else, so that what one has lost or has twice shows in another.
type books struct {
	digests  map[string]string // by path, of the files themselves
	imported int               // jobs that the producer had acknowledged
	// totals are what the engine counted: a job as enqueued when it was stored, and
	// as completed in the very step that takes a finish and gives up the claim. A
	// job stored twice, or finished twice, counts twice.
	totals  map[string]int64
	records []*drayhorse.Info // all that the queue of the files holds
	ticks   []*drayhorse.Info // all that the queue of the periodic job holds
}

// audit gives how many files have exactly one record, a right one, and all that is
// wrong.
func (b *books) audit() (verified int, faults []string) {
	want := len(b.digests)
	account := func(name string, n int) {
		if n != want {
			faults = append(faults, fmt.Sprintf("%s: %d; want %d, one for each file", name, n, want))
		}
	}
	account("jobs that the producer imported", b.imported)
	account("jobs that the engine stored", int(b.totals["enqueued"]))
	account("finishes that the engine accepted", int(b.totals["completed"]))
	account("records in the archive", len(b.records))

	of := map[string][]*drayhorse.Info{}
	for _, record := range b.records {
		path, err := pathOf(record)
		if _, known := b.digests[path]; err != nil || !known {
			faults = append(faults, fmt.Sprintf("record %s: arguments %s; want the path of a file", record.ID, record.Args))
			continue
		}
		of[path] = append(of[path], record)
	}
	for _, path := range slices.Sorted(maps.Keys(b.digests)) {
		switch records := of[path]; len(records) {
		case 0:
			faults = append(faults, path+": no record")
		case 1:
			if fault := compare(records[0], b.digests[path]); fault != "" {
				faults = append(faults, path+": "+fault)
				continue
			}
			verified++
		default:
			faults = append(faults, fmt.Sprintf("%s: %d records", path, len(records)))
		}
	}
	return verified, append(faults, b.auditTicks()...)
}

// auditTicks gives the ticks that have not one job.
func (b *books) auditTicks() (faults []string) {
	jobs := map[time.Time]int{}
	var first, last time.Time
	for _, job := range b.ticks {
		tick := job.Tick.UTC()
		jobs[tick]++
		if first.IsZero() || tick.Before(first) {
			first = tick
		}
		if tick.After(last) {
			last = tick
		}
	}
	for tick := first; !tick.After(last); tick = tick.Add(progressEvery) {
		if n := jobs[tick]; n != 1 {
			faults = append(faults, fmt.Sprintf("tick %s: %d jobs; want 1", tick.Format(time.TimeOnly), n))
		}
		delete(jobs, tick)
	}
	for _, tick := range slices.SortedFunc(maps.Keys(jobs), time.Time.Compare) {
		faults = append(faults, fmt.Sprintf("tick %s: not one of its schedule", tick.Format(time.RFC3339Nano)))
	}
	return faults
}

func pathOf(record *drayhorse.Info) (string, error) {
	var args arguments
	err := json.Unmarshal(record.Args, &args)
	return args.Path, err
}

// compare says what is wrong with the record of a file; "" nothing.
func compare(record *drayhorse.Info, want string) string {
	if record.State != drayhorse.Completed {
		return fmt.Sprintf("job %s is %s", record.ID, record.State)
	}
	var output string
	if err := json.Unmarshal(record.Result, &output); err != nil {
		return fmt.Sprintf("result %s; want a JSON string", record.Result)
	}
	if got, _, _ := strings.Cut(output, " "); got != want {
		return fmt.Sprintf("digest %s; want %s", got, want)
	}
	return ""
}

// attempts is how often handlers were started: once for each attempt, and once
// more for each time that a worker died.
func (b *books) attempts() int {
	n := 0
	for _, record := range b.records {
		n += record.Attempt + record.Rescues
	}
	return n
}
