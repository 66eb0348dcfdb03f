package jobs

import (
	"context"
	"fmt"
)

// MaxArchived is how many ended jobs of each state a partition keeps. Beyond it
// the oldest go before their time, which the total "trimmed" counts.
const MaxArchived = 100_000

// Swept counts what a sweep removed.
type Swept struct {
	Removed int
	Trimmed int // of these, before their time
}

// Sweep removes ended jobs whose time in the archive is over, in bounded steps.
func (p *Partition) Sweep(ctx context.Context) (Swept, error) {
	return p.sweep(ctx, MaxArchived)
}

func (p *Partition) sweep(ctx context.Context, limit int) (Swept, error) {
	var total Swept
	for {
		value, err := p.run(ctx, sweepScript, limit, purgeStep)
		if err != nil {
			return total, err
		}
		reply := asList(value)
		if len(reply) != 3 {
			return total, fmt.Errorf("sweep: unexpected reply %v", value)
		}
		total.Removed += int(asInt(reply[0]))
		total.Trimmed += int(asInt(reply[1]))
		if asInt(reply[2]) == 0 {
			return total, nil
		}
	}
}
