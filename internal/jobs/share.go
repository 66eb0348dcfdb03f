package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// Share is what a partition has of a limit that it shares with others, and what it does with it.
type Share struct {
	Partition *Partition
	Limit     string
	Version   int64
	Most      int  // jobs that may run there at once, if the limit is for that
	Burst     int  // jobs that may start there at once, if the limit has a rate, of which it has as large a part
	Running   int  // jobs that run; -1: nobody counts them, since the limit is not for that
	Waiting   int  // jobs that wait, for this limit or for others
	Freed     int  // starts that were free and that the last change took away, in thousandths
	Used      bool // not all starts at once are free that it has
	Missing   bool // the partition has no such limit
	Err       error
}

// Matters reports whether there is anything to be told of it: it has something, or needs it.
func (s *Share) Matters() bool { return s.Most > 0 || s.Burst > 0 || s.Running > 0 || s.Waiting > 0 }

// Grant is a share that a partition is to have.
type Grant struct {
	Partition *Partition
	Limit     string
	Version   int64
	Most      int
	Burst     int
	Starts    int // that are free at once, in thousandths, and that it has not had
}

// GrantShares gives partitions their shares, where what they have is older, and gives what they have then: in the order
// of grants, in one round trip where Redis allows it.
func (e *Engine) GrantShares(ctx context.Context, grants []Grant) []Share {
	calls := make([]redis.Call, len(grants))
	for i, g := range grants {
		calls[i] = shareScript.call(g.Partition, g.Limit, g.Version, g.Most, g.Burst, g.Starts)
	}
	all := make([]Share, len(grants))
	for i, reply := range e.client.RunAll(ctx, calls) {
		s := &all[i]
		s.Partition, s.Limit = grants[i].Partition, grants[i].Limit
		if s.Err = failure("share", reply.Err); s.Err != nil {
			continue
		}
		facts := asList(reply.Value)
		if s.Missing = len(facts) == 0; !s.Missing {
			s.Err = s.read(facts)
		}
	}
	return all
}

// read takes in what facts_of gives.
func (s *Share) read(facts []any) error {
	if len(facts) != 8 {
		return fmt.Errorf("share: unexpected reply %v", facts)
	}
	s.Limit, s.Version = asString(facts[0]), asInt(facts[1])
	s.Most, s.Burst = int(asInt(facts[2])), int(asInt(facts[3]))
	s.Running, s.Waiting = int(asInt(facts[4])), int(asInt(facts[5]))
	s.Freed, s.Used = int(asInt(facts[6])), asInt(facts[7]) == 1
	return nil
}

// DeclareShared declares a valid limit, or changes it, in partitions that share it, in one round trip where Redis allows
// it. Where it is new none may start until the partition has a share.
func (e *Engine) DeclareShared(ctx context.Context, partitions []*Partition, limit *drayhorse.Limit, operator bool, by, why string) error {
	args, err := LimitArgs(limit, true, operator, by, why)
	if err != nil {
		return err
	}
	return e.onEach(ctx, limitScript, partitions, args...)
}

// RemoveShared takes a limit away from partitions that share it.
func (e *Engine) RemoveShared(ctx context.Context, partitions []*Partition, name string) error {
	return e.onEach(ctx, limitScript, partitions, name, "shared", "", "")
}

// onEach runs a script with the same arguments on partitions.
func (e *Engine) onEach(ctx context.Context, s *script, partitions []*Partition, args ...any) error {
	var errs []error
	for some := range slices.Chunk(partitions, declareAtOnce) {
		calls := make([]redis.Call, len(some))
		for i, p := range some {
			calls[i] = s.call(p, args...)
		}
		for i, reply := range e.client.RunAll(ctx, calls) {
			if err := failure(s.Name, reply.Err); err != nil {
				errs = append(errs, fmt.Errorf("queue %s: %w", some[i], err))
			}
		}
	}
	return several(errs)
}

// several is one error for all: the first, and how many more there are.
func several(errs []error) error {
	if len(errs) < 2 {
		return errors.Join(errs...)
	}
	return fmt.Errorf("%w; and %d more", errs[0], len(errs)-1)
}

// declareAtOnce is how many partitions one round trip declares a limit in.
const declareAtOnce = 256
