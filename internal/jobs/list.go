package jobs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
)

// List gives a page of the jobs in a state, at most limit of them (1 to MaxPage),
// and the cursor of the next page, empty after the last. The first page has the
// cursor "". What waits comes in the order in which it will run, what ended latest
// first. Jobs that move between two pages may be passed over or come twice, and a
// page may have fewer jobs than limit, or none, before the last.
func (p *Partition) List(ctx context.Context, state drayhorse.State, cursor string, limit int) ([]*drayhorse.Info, string, error) {
	if limit < 1 || limit > MaxPage {
		return nil, "", fmt.Errorf("%w: a page of %d jobs; want 1 to %d", drayhorse.ErrInvalid, limit, MaxPage)
	}
	if !slices.Contains(drayhorse.States(), state) {
		return nil, "", fmt.Errorf("%w: a list of state %q; want one of %v", drayhorse.ErrInvalid, state, drayhorse.States())
	}
	value, err := p.run(ctx, listScript, string(state), cursor, limit)
	if err != nil {
		return nil, "", err
	}
	reply := asList(value)
	if len(reply) != 2 {
		return nil, "", fmt.Errorf("list: unexpected reply %v", value)
	}
	ids := asStrings(reply[1])
	var page []*drayhorse.Info
	for len(ids) > 0 { // a step over running may find more than it was asked for
		n := min(len(ids), MaxPage)
		infos, err := p.Inspect(ctx, ids[:n]...)
		if err != nil {
			return nil, "", err
		}
		for _, info := range infos {
			if info != nil && info.State == state {
				page = append(page, info)
			}
		}
		ids = ids[n:]
	}
	return page, asString(reply[0]), nil
}

// Summary is the size of a partition. All of it costs the same however many jobs
// there are.
type Summary struct {
	Now       time.Time // by Redis's clock
	Paused    bool
	Available int // in line, set aside and suspects
	Suspects  int // of these
	Parked    int // of these, set aside for a worker that serves their kind
	Scheduled int
	Retryable int
	Running   int
	Leases    int
	Completed int // that are kept
	Cancelled int // that are kept
	Discarded int // that are kept
	Oldest    time.Time
	// Totals since the queue exists: enqueued, completed, cancelled, discarded,
	// failed, rescued and others.
	Totals map[string]int64
}

// Summary gives the size of every state and the totals.
func (p *Partition) Summary(ctx context.Context) (*Summary, error) {
	value, err := p.run(ctx, summaryScript)
	if err != nil {
		return nil, err
	}
	reply := asList(value)
	if len(reply) != 13 {
		return nil, fmt.Errorf("summary: unexpected reply %v", value)
	}
	n := func(i int) int { return int(asInt(reply[i])) }
	s := &Summary{
		Now: time.UnixMilli(asInt(reply[0])), Paused: asString(reply[1]) == "1",
		Available: n(2) - n(5) - n(6), Suspects: n(3), Parked: n(4), Scheduled: n(5), Running: n(6),
		Leases: n(7), Completed: n(8), Cancelled: n(9), Discarded: n(10), Totals: map[string]int64{},
	}
	if e, err := DecodeEnvelope(asString(reply[11])); err == nil {
		s.Oldest = e.EnqueuedAt
	}
	totals := asList(reply[12])
	for i := 0; i+1 < len(totals); i += 2 {
		s.Totals[asString(totals[i])] = asInt(totals[i+1])
	}
	s.Retryable = int(s.Totals["retryable"])
	s.Scheduled -= s.Retryable
	delete(s.Totals, "retryable")
	return s, nil
}
