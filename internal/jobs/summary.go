package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// Summary is the size of a partition. All of it costs the same however many jobs
// there are.
type Summary struct {
	Now       time.Time // by Redis's clock
	Paused    bool
	Pauses    []Pause // of all jobs first, then by kind
	MaxDepth  int     // live jobs that it may have; 0: any number
	Available int     // in line, set aside and suspects
	Suspects  int     // of these
	Parked    int     // of these, set aside for a worker that serves their kind
	Held      int     // of these, set aside since something is declared of their kind
	// Ranks are how many of no group are in line of each priority but normal, which the rest of
	// Available is; nil: the queue has never had one of them, nor of a group.
	Ranks     map[drayhorse.Priority]int
	Grouped   int // of the available: in line, of groups
	Groups    int // that have jobs in line; one counts for each priority of which it has some
	Scheduled int
	Retryable int
	Running   int
	Leases    int
	Completed int // that are kept
	Cancelled int // that are kept
	Discarded int // that are kept
	// Oldest is since when the next available job has been waiting: when it was
	// enqueued, or due if that is later. One that is in line again after a failure
	// is passed over for one of the next seven that is not. Zero: none waits.
	Oldest time.Time
	// NextDue is when the next scheduled or retryable job is due. Zero: none is.
	NextDue time.Time
	// Totals since the queue exists: enqueued, completed, cancelled, discarded,
	// failed, rescued and others.
	Totals map[string]int64
}

// Waited is how long the oldest job waits that could run: how long it is in line,
// or overdue. 0: there is none.
func (s *Summary) Waited() time.Duration {
	var longest time.Duration
	for _, since := range []time.Time{s.Oldest, s.NextDue} {
		if !since.IsZero() {
			longest = max(longest, s.Now.Sub(since))
		}
	}
	return longest
}

// Summary gives the size of every state and the totals.
func (p *Partition) Summary(ctx context.Context) (*Summary, error) {
	all, err := p.engine.Summaries(ctx, p)
	return all[0], err
}

// Summaries are those of several partitions, in their order, in one round trip where
// Redis allows it. Beside an error, those that were not answered are nil.
func (e *Engine) Summaries(ctx context.Context, partitions ...*Partition) ([]*Summary, error) {
	calls := make([]redis.Call, len(partitions))
	for i, p := range partitions {
		calls[i] = summaryScript.call(p)
	}
	all := make([]*Summary, len(partitions))
	var errs []error
	for i, reply := range e.client.RunAll(ctx, calls) {
		err := failure("summary", reply.Err)
		if err == nil {
			all[i], err = decodeSummary(reply.Value)
		}
		errs = append(errs, err)
	}
	return all, errors.Join(errs...)
}

// decodeSummary reads the reply of summary.lua.
func decodeSummary(value any) (*Summary, error) {
	reply := asList(value)
	if len(reply) != 19 {
		return nil, fmt.Errorf("summary: unexpected reply %v", value)
	}
	n := func(i int) int { return int(asInt(reply[i])) }
	settings := asList(reply[1])
	if len(settings) != 2 {
		return nil, fmt.Errorf("summary: unexpected reply %v", value)
	}
	s := &Summary{
		Now: time.UnixMilli(asInt(reply[0])), Paused: asString(settings[0]) == "1", MaxDepth: int(asInt(settings[1])),
		Available: n(2) - n(5) - n(6), Suspects: n(3), Parked: n(4), Scheduled: n(5), Running: n(6),
		Leases: n(7), Completed: n(8), Cancelled: n(9), Discarded: n(10),
		Oldest: oldest(asStrings(reply[11])), NextDue: asTime(reply[12]), Totals: map[string]int64{},
	}
	s.Held, s.Grouped, s.Groups = n(14), n(17), n(18)
	var err error
	if s.Pauses, err = decodePauses(reply[15]); err != nil {
		return nil, err
	}
	for i, v := range asList(reply[16]) {
		if s.Ranks == nil {
			s.Ranks = map[drayhorse.Priority]int{}
		}
		s.Ranks[priorities[i+1]] = int(asInt(v))
	}
	totals := asList(reply[13])
	for i := 0; i+1 < len(totals); i += 2 {
		s.Totals[asString(totals[i])] = asInt(totals[i+1])
	}
	retryable := string(drayhorse.Retryable)
	s.Retryable = int(s.Totals[retryable])
	s.Scheduled -= s.Retryable
	delete(s.Totals, retryable)
	return s, nil
}

// oldest is the earliest time since when one of the jobs waits whose envelopes begin
// with fronts.
func oldest(fronts []string) time.Time {
	var first time.Time
	for _, front := range fronts {
		e, err := DecodeEnvelope(front)
		if err != nil {
			continue
		}
		since := e.EnqueuedAt
		if e.DueAt.After(since) {
			since = e.DueAt
		}
		if first.IsZero() || since.Before(first) {
			first = since
		}
	}
	return first
}
