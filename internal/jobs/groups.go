package jobs

import (
	"context"
	"slices"

	"github.com/drayhorse/drayhorse/internal/redis"
)

// maxGroupsNoted is how many groups one call notes: as many as take a fraction of a millisecond.
const maxGroupsNoted = 500

// RanGroups is groups of a partition of which jobs have run.
type RanGroups struct {
	Partition *Partition
	Names     []string
}

// NoteGroups counts the groups to those of the minute and the hour; see Series. It gives an error
// for each element of ran. What has failed may be noted again: a repeat counts nothing twice.
func (e *Engine) NoteGroups(ctx context.Context, ran ...RanGroups) []error {
	var calls []redis.Call
	var of []int // which element of ran each call is for
	for i := range ran {
		for names := range slices.Chunk(ran[i].Names, maxGroupsNoted) {
			args := make([]any, len(names))
			for k, name := range names {
				args[k] = name
			}
			calls, of = append(calls, groupsScript.call(ran[i].Partition, args...)), append(of, i)
		}
	}
	errs := make([]error, len(ran))
	for n, reply := range e.client.RunAll(ctx, calls) {
		if err := failure("groups", reply.Err); err != nil {
			errs[of[n]] = err
		}
	}
	return errs
}
