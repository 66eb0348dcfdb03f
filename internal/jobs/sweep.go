package jobs

import (
	"context"
	"fmt"
	"time"
)

// What a partition keeps of ended jobs of each state. Beyond it those that ended first
// go before their time, which the total "trimmed" counts.
const (
	MaxArchived      = 100_000
	MaxArchivedBytes = 128 << 20 // their envelopes, results and errors
)

// Swept counts what a sweep removed.
type Swept struct {
	Removed int
	Trimmed int // of these, before their time
	Expired int // jobs that were not started in time, which it has discarded
}

// sweepStep is how many of each sort one step removes or discards: some milliseconds of
// work.
const sweepStep = 250

// Sweep removes ended jobs whose time in the archive is over, and discards those that were
// not started in time, in bounded steps.
func (p *Partition) Sweep(ctx context.Context) (Swept, error) {
	return p.sweep(ctx, MaxArchived, MaxArchivedBytes)
}

// SweepAfter is Sweep that leaves what has been over for less than grace to others. Each
// step says which jobs it has discarded, by their stored IDs.
func (p *Partition) SweepAfter(ctx context.Context, grace time.Duration, discarded func(ids []string)) (Swept, error) {
	return p.sweepAfter(ctx, MaxArchived, MaxArchivedBytes, grace, discarded)
}

func (p *Partition) sweep(ctx context.Context, jobs, bytes int) (Swept, error) {
	return p.sweepAfter(ctx, jobs, bytes, 0, func([]string) {})
}

func (p *Partition) sweepAfter(ctx context.Context, jobs, bytes int, grace time.Duration, discarded func(ids []string)) (Swept, error) {
	var total Swept
	for {
		value, err := p.run(ctx, sweepScript, jobs, bytes, sweepStep, grace.Milliseconds())
		if err != nil {
			return total, err
		}
		reply := asList(value)
		if len(reply) != 5 {
			return total, fmt.Errorf("sweep: unexpected reply %v", value)
		}
		total.Removed += int(asInt(reply[1]))
		total.Trimmed += int(asInt(reply[2]))
		if expired := asStrings(reply[3]); len(expired) > 0 {
			total.Expired += len(expired)
			discarded(expired)
		}
		if asInt(reply[4]) == 0 {
			return total, nil
		}
	}
}
