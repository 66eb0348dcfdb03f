package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse/internal/redis"
)

// Observation is a look at a partition.
type Observation struct {
	Partition *Partition
	Now       time.Time // by Redis's clock
	Paused    bool
	Ready     int // in line
	Suspects  int
	NextDue   time.Time // zero: nothing is scheduled
	Lanes     []string  // kinds for which jobs are set aside
	Leases    []Score   // at most 100: those that may be dead are among them
	Err       error
}

// Score is a lease with the number by which observers tell whether it was renewed.
// It is opaque: only its changing counts.
type Score struct{ Lease, Value string }

// Observe looks at partitions, in one round trip where Redis allows it.
func (e *Engine) Observe(ctx context.Context, partitions ...*Partition) []Observation {
	calls := make([]redis.Call, len(partitions))
	seen := make([]Observation, len(partitions))
	for i, p := range partitions {
		calls[i] = observeScript.call(p)
		seen[i].Partition = p
	}
	for i, reply := range e.client.RunAll(ctx, calls) {
		if seen[i].Err = failure("observe", reply.Err); seen[i].Err == nil {
			seen[i].decode(reply.Value)
		}
	}
	return seen
}

func (o *Observation) decode(value any) {
	reply := asList(value)
	if len(reply) != 7 {
		o.Err = fmt.Errorf("observe: unexpected reply %v", value)
		return
	}
	o.Now, o.Paused = time.UnixMilli(asInt(reply[0])), asString(reply[1]) == "1"
	o.Ready, o.Suspects = int(asInt(reply[2])), int(asInt(reply[3]))
	o.NextDue, o.Lanes = asTime(reply[4]), asStrings(reply[5])
	pairs := asStrings(reply[6])
	for i := 0; i+1 < len(pairs); i += 2 {
		o.Leases = append(o.Leases, Score{pairs[i], pairs[i+1]})
	}
}
