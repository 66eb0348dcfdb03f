package jobs

import (
	"context"
	"fmt"
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

func (p *Partition) sweep(ctx context.Context, jobs, bytes int) (Swept, error) {
	var total Swept
	for {
		value, err := p.run(ctx, sweepScript, jobs, bytes, sweepStep)
		if err != nil {
			return total, err
		}
		reply := asList(value)
		if len(reply) != 5 {
			return total, fmt.Errorf("sweep: unexpected reply %v", value)
		}
		total.Removed += int(asInt(reply[1]))
		total.Trimmed += int(asInt(reply[2]))
		total.Expired += int(asInt(reply[3]))
		if asInt(reply[4]) == 0 {
			return total, nil
		}
	}
}
