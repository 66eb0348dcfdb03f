package jobs

import (
	"context"
	"fmt"
	"slices"
)

// rescueStep is how many running jobs one step of a rescue looks at.
const rescueStep = 500

// Rescued counts what a rescue did.
type Rescued struct {
	Jobs      int      // taken back from dead leases
	Discarded []string // of these, because they kill their workers; by their stored IDs
}

// maxAlive is how many jobs one call clears.
const maxAlive = 250

// Alive says that this process lives though the lease was condemned: it was frozen or
// cut off. The jobs that it held, by stored IDs, are cleared of its supposed death and
// earlier ones, and taken back if no rescue has done so yet. It gives how many were
// cleared; those that others have finished or claimed from another dead worker since are
// left alone. It may be called again.
func (e *Engine) Alive(ctx context.Context, lease *Lease, ids ...string) (int, error) {
	cleared := 0
	for some := range slices.Chunk(ids, maxAlive) {
		args := make([]any, 0, 1+len(some))
		args = append(args, lease.Name)
		for _, id := range some {
			args = append(args, id)
		}
		value, err := lease.Partition.run(ctx, aliveScript, args...)
		if err != nil {
			return cleared, err
		}
		cleared += int(asInt(value))
	}
	return cleared, nil
}

// Rescue condemns the leases that still have the given scores and takes their jobs
// back, in bounded steps. Leases that were renewed in the meantime are left alone.
// Whoever is interrupted leaves the rest to the next one.
func (p *Partition) Rescue(ctx context.Context, dead []Score) (Rescued, error) {
	var total Rescued
	leases := make([]any, 0, 2*len(dead))
	for _, s := range dead {
		leases = append(leases, s.Lease, s.Value)
	}
	for cursor := "0"; ; {
		value, err := p.run(ctx, rescueScript, append([]any{cursor, rescueStep}, leases...)...)
		if err != nil {
			return total, err
		}
		reply := asList(value)
		if len(reply) != 4 {
			return total, fmt.Errorf("rescue: unexpected reply %v", value)
		}
		total.Jobs += int(asInt(reply[2]))
		for _, id := range asList(reply[3]) {
			total.Discarded = append(total.Discarded, asString(id))
		}
		cursor, leases = asString(reply[0]), asList(reply[1])
		if cursor == "0" || len(leases) == 0 {
			return total, nil
		}
	}
}
