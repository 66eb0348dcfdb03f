package limits

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// rounds is how often one call of Balance has partitions told of changes and takes in their answers: to take something
// from one and give it to another takes two.
const rounds = 4

// told is what is known of a share.
type told struct {
	jobs.Share
	of     string // the partition's name
	served bool   // a worker serves it and has looked, so that it needs what waits there; else it is an answer to a grant
	gone   bool   // there is no such partition
}

func tell(s jobs.Share, served bool) told {
	return told{Share: s, of: s.Partition.String(), served: served}
}

// Balance takes in what a worker has seen of shares of limits, and has what is to change of all of them arrive where it
// belongs. The error is of the first limit for which that did not succeed; the next call goes on.
func (l *Limits) Balance(ctx context.Context, shares []jobs.Share) error {
	seen := map[string][]told{}
	for _, s := range shares {
		if s.Err == nil {
			seen[s.Limit] = append(seen[s.Limit], tell(s, true))
		}
	}
	var errs []error
	for name, some := range seen {
		errs = append(errs, l.balance(ctx, name, some))
	}
	return errors.Join(errs...)
}

// ask gives what partitions that are served have of a limit.
func (l *Limits) ask(ctx context.Context, name string, partitions []*jobs.Partition) []told {
	var all []told
	for some := range slices.Chunk(partitions, MaxPartitions) {
		grants := make([]jobs.Grant, len(some))
		for i, p := range some {
			grants[i] = jobs.Grant{Partition: p, Limit: name} // of no version, which changes nothing
		}
		for _, s := range l.engine.GrantShares(ctx, grants) {
			if s.Err == nil && !s.Missing {
				all = append(all, tell(s, true))
			}
		}
	}
	return all
}

// balance shares out one limit.
func (l *Limits) balance(ctx context.Context, name string, seen []told) error {
	var failed error // of one partition, which is told again with a later call
	wait := redis.NewBackoff(busyWait, busyWait)
	for range rounds {
		plan, err := l.plan(ctx, name, seen)
		for waits := 0; err == nil && plan.known == busy && waits < maxWaits; waits++ { // never in a later round
			if !wait.Wait(ctx) {
				return context.Cause(ctx)
			}
			plan, err = l.plan(ctx, name, seen)
		}
		if err != nil {
			return err
		}
		if plan.known == takenAway {
			return l.engine.RemoveShared(ctx, partitionsOf(seen), name)
		}
		if len(plan.grants)+len(plan.gone) == 0 {
			break
		}
		seen = plan.gone
		var lack []*jobs.Partition
		for _, s := range l.engine.GrantShares(ctx, plan.grants) {
			switch {
			case s.Err != nil:
				failed = fmt.Errorf("queue %s: %w", s.Partition, s.Err)
			case s.Missing:
				lack = append(lack, s.Partition)
			default:
				seen = append(seen, tell(s, false))
			}
		}
		gone, err := l.declareAgain(ctx, name, lack)
		if err != nil {
			failed = err
		}
		if seen = append(seen, gone...); len(seen) == 0 {
			break
		}
	}
	return failed
}

// partitionsOf gives those that are there.
func partitionsOf(seen []told) (all []*jobs.Partition) {
	for _, s := range seen {
		if !s.gone {
			all = append(all, s.Partition)
		}
	}
	return all
}

// declareAgain has partitions know a limit that they should, and do not, as after their queue was deleted and made anew.
// It gives those of queues that are no more.
func (l *Limits) declareAgain(ctx context.Context, name string, lack []*jobs.Partition) (gone []told, err error) {
	if len(lack) == 0 {
		return nil, nil
	}
	all, err := l.Shared(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(d *jobs.Declared) bool { return d.Name == name })
	if i < 0 {
		return nil, nil
	}
	var queues []string
	for _, p := range lack {
		queues = append(queues, p.Queue)
	}
	there, err := l.engine.Meet(ctx, queues)
	if err != nil {
		return nil, err
	}
	lack = slices.DeleteFunc(lack, func(p *jobs.Partition) bool {
		if len(there[p.Queue]) > p.Index {
			return false
		}
		gone = append(gone, told{of: p.String(), gone: true})
		return true
	})
	return gone, l.declare(ctx, all[i], lack)
}

// What balance.lua says of a limit, beside how it is to change.
const (
	takenAway = 2 // there was one
	busy      = 3 // many tell of it, and this is to be told a little later
)

// busyWait is how long who is to tell later waits at most, and maxWaits how often: then the next look tells.
const (
	busyWait = 200 * time.Millisecond
	maxWaits = 5
)

// plan is what balance.lua answers.
type plan struct {
	known  int64
	grants []jobs.Grant
	gone   []told // partitions that are no more
}

// plan has one limit shared out by what was seen.
func (l *Limits) plan(ctx context.Context, name string, seen []told) (*plan, error) {
	args := append(make([]any, 0, 1+9*len(seen)), name)
	for _, s := range seen {
		if s.gone {
			s.Version = -1
		}
		args = append(args, s.of, s.served, s.Version, s.Most, s.Burst, s.Running, s.Waiting, s.Freed, s.Used) // Redis gets 1 or 0 for what is true or false
	}
	value, err := l.run(ctx, balanceScript, name, args...)
	if err != nil {
		return nil, err
	}
	reply := redis.AsList(value)
	if len(reply) != 2 {
		return nil, fmt.Errorf("balance: unexpected reply %v", value)
	}
	made := &plan{known: redis.AsInt(reply[0])}
	changes := redis.AsList(reply[1])
	for i := 0; i+4 < len(changes); i += 5 {
		of := redis.AsString(changes[i])
		p, err := l.partition(ctx, of)
		switch {
		case errors.Is(err, drayhorse.ErrNotFound):
			made.gone = append(made.gone, told{of: of, gone: true})
			continue
		case err != nil:
			return nil, err
		}
		made.grants = append(made.grants, jobs.Grant{
			Partition: p, Limit: name, Version: redis.AsInt(changes[i+1]),
			Most: int(redis.AsInt(changes[i+2])), Burst: int(redis.AsInt(changes[i+3])), Starts: int(redis.AsInt(changes[i+4])),
		})
	}
	return made, nil
}

// partition gives that of such a name. The error is drayhorse.ErrNotFound if its queue is no more.
func (l *Limits) partition(ctx context.Context, name string) (*jobs.Partition, error) {
	queue, index, _ := strings.Cut(name, "/")
	n, _ := strconv.Atoi(index) // none: the first
	all, err := l.engine.Lookup(ctx, queue)
	if err != nil {
		return nil, err
	}
	if n >= len(all) {
		return nil, fmt.Errorf("%w: partition %q", drayhorse.ErrNotFound, name)
	}
	return all[n], nil
}
