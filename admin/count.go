package admin

import (
	"context"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// maxCountLooked is how many jobs a count looks at.
const maxCountLooked = 20_000

// Count is how many jobs match a filter.
type Count struct {
	Jobs int `json:"jobs"` // that match
	// Looked is how many jobs were looked at; 0: none had to be, because queues keep the
	// number.
	Looked int `json:"looked"`
	Total  int `json:"total"` // jobs in those states of those queues
	// More: there are more jobs than a count looks at, so Jobs is only how many of the first
	// ones match.
	More bool `json:"more"`
}

// Count counts the jobs that match a filter. A filter of a queue and a state alone costs
// little, whatever the number; of any other, 20,000 jobs are looked at, and More says that
// there are others. The error is drayhorse.ErrInvalid, ErrNotFound for the queue, or
// ErrUnavailable.
func (a *Admin) Count(ctx context.Context, f Filter) (*Count, error) { return a.CountFor(ctx, "", f) }

// CountFor counts the jobs that an action of a verb would be about.
func (a *Admin) CountFor(ctx context.Context, verb Verb, f Filter) (*Count, error) {
	plan, err := a.plan(verb, &f)
	if err != nil {
		return nil, err
	}
	sizes, err := a.sizes(ctx, plan)
	if err != nil {
		return nil, err
	}
	c := &Count{}
	for _, s := range sizes {
		c.Total += s.n
	}
	rest := *plan.where
	rest.Queue, rest.State = "", ""
	if rest.IsZero() {
		c.Jobs = c.Total
		return c, nil
	}
	for _, s := range sizes {
		if s.n == 0 {
			continue
		}
		for _, place := range plan.places {
			for cursor := ""; ; {
				if c.Looked >= maxCountLooked {
					c.More = true
					return c, nil
				}
				page, err := plan.look(ctx, s.part, a.client.Now(), place, cursor, stepJobs)
				if err != nil {
					return nil, err
				}
				c.Jobs, c.Looked = c.Jobs+len(page.meant), c.Looked+page.looked
				if cursor = page.next; cursor == "" {
					break
				}
			}
		}
	}
	return c, nil
}

// size is how many jobs a partition has in the states of a plan.
type size struct {
	part *jobs.Partition
	n    int
}

// sizes gives those of all partitions that a plan is about, in the order in which it takes
// them.
func (a *Admin) sizes(ctx context.Context, p *plan) ([]size, error) {
	queues, err := a.queues(ctx, p.queue)
	if err != nil {
		return nil, err
	}
	var all []size
	for some := range slices.Chunk(slices.Concat(queues...), countAtOnce) {
		summaries, err := a.engine.Summaries(ctx, some...)
		if err != nil {
			return nil, err
		}
		for i, s := range summaries {
			one := size{part: some[i]}
			for state, n := range map[drayhorse.State]int{
				drayhorse.Scheduled: s.Scheduled, drayhorse.Available: s.Available, drayhorse.Running: s.Running, drayhorse.Retryable: s.Retryable,
				drayhorse.Completed: s.Completed, drayhorse.Cancelled: s.Cancelled, drayhorse.Discarded: s.Discarded,
			} {
				if slices.Contains(p.states, state) {
					one.n += n
				}
			}
			all = append(all, one)
		}
	}
	return all, nil
}

// look is some of the jobs of a place.
type look struct {
	meant  []*drayhorse.Info // that match, and were in their state by then
	looked int
	bytes  int // of all that were looked at, about
	next   string
}

// look looks at some jobs of a place, from a cursor on.
func (p *plan) look(ctx context.Context, part *jobs.Partition, begun time.Time, place jobs.Place, cursor string, limit int) (*look, error) {
	ids, next, err := part.Pick(ctx, place, cursor, begun, limit)
	if err != nil {
		return nil, err
	}
	l := &look{next: next}
	for some := range slices.Chunk(ids, jobs.MaxPage) {
		infos, err := part.Inspect(ctx, some...)
		if err != nil {
			return nil, err
		}
		for _, info := range infos {
			if info == nil || !slices.Contains(place.States, info.State) {
				continue
			}
			l.looked++
			l.bytes += len(info.Args) + len(info.Result) + 200
			if p.where.Matches(info) && inStateBy(info, begun) {
				l.meant = append(l.meant, info)
			}
		}
	}
	return l, nil
}

// inStateBy reports whether a job was in its state by a time, as far as that is known.
func inStateBy(info *drayhorse.Info, at time.Time) bool {
	if info.State == drayhorse.Retryable && len(info.Errors) > 0 && info.Errors[len(info.Errors)-1].At.After(at) {
		return false
	}
	return !info.FinishedAt.After(at) && !info.EnqueuedAt.After(at)
}
