package jobs

import (
	"context"
	"fmt"
	"slices"
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
	Lanes     []string  // kinds for which jobs are set aside, at most MaxLanes
	Leases    []Score   // at most 100: those that may be dead are among them
	News      bool      // rows of batches have something to tell
	Shares    []Share   // of limits that it shares with other partitions
	Err       error
}

// Score is a lease with the number by which observers tell whether it was renewed.
// It is opaque: only its changing counts.
type Score struct{ Lease, Value string }

// MaxLook is how many partitions one call looks at: as many as it can in a fraction of
// a millisecond.
const MaxLook = 32

// Observe looks at partitions, in one round trip where Redis allows it, and in few
// calls where it is no Cluster.
func (e *Engine) Observe(ctx context.Context, partitions ...*Partition) []Observation {
	size := MaxLook
	if e.client.IsCluster() {
		size = 1 // each may be in a slot of its own
	}
	var calls []redis.Call
	for some := range slices.Chunk(partitions, size) {
		calls = append(calls, observeScript.callEach(some))
	}
	seen := make([]Observation, len(partitions))
	for n, reply := range e.client.RunAll(ctx, calls) {
		values := asList(reply.Value)
		for i := n * size; i < min((n+1)*size, len(partitions)); i++ {
			o := &seen[i]
			o.Partition = partitions[i]
			if o.Err = failure("observe", reply.Err); o.Err != nil {
				continue
			}
			if at := i - n*size; at < len(values) {
				o.decode(values[at])
			} else {
				o.Err = fmt.Errorf("observe: unexpected reply %v", reply.Value)
			}
		}
	}
	return seen
}

// Idle reports whether there is nothing to do and nobody at work.
func (o *Observation) Idle() bool {
	return o.Err == nil && o.Ready == 0 && o.Suspects == 0 && len(o.Lanes) == 0 && len(o.Leases) == 0 &&
		!slices.ContainsFunc(o.Shares, func(s Share) bool { return s.Waiting > 0 })
}

func (o *Observation) decode(value any) {
	if err, failed := value.(error); failed {
		o.Err = failure("observe", err)
		return
	}
	reply := asList(value)
	if len(reply) < 7 || len(reply) > 9 {
		o.Err = fmt.Errorf("observe: unexpected reply %v", value)
		return
	}
	o.Now, o.Paused = time.UnixMilli(asInt(reply[0])), asString(reply[1]) == "1"
	o.Ready, o.Suspects = int(asInt(reply[2])), int(asInt(reply[3]))
	o.NextDue, o.Lanes, o.News = asTime(reply[4]), asStrings(reply[5]), len(reply) > 7 && asInt(reply[7]) == 1
	if len(reply) > 8 {
		for _, facts := range asList(reply[8]) {
			s := Share{Partition: o.Partition}
			s.Err = s.read(asList(facts))
			o.Shares = append(o.Shares, s)
		}
	}
	pairs := asStrings(reply[6])
	for i := 0; i+1 < len(pairs); i += 2 {
		o.Leases = append(o.Leases, Score{pairs[i], pairs[i+1]})
	}
}
