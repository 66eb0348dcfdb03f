package dashboard

import (
	"context"
	"slices"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/access"
	"github.com/drayhorse/drayhorse/internal/figures"
)

const limitsShown = 500 // on one page

// limits gives those that the user sees: of queues that are in scope, and of all queues if these are.
func (g *gate) limits(ctx context.Context) ([]admin.Limit, error) {
	all, err := g.board.Limits(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(all), func(l admin.Limit) bool { return !g.seesLimit(l.Queue) }), nil
}

// seesLimit reports whether the jobs of a limit are in scope: those of a queue, or for "" of all.
func (g *gate) seesLimit(queue string) bool {
	return queue == "" && g.user.SeesAll() || queue != "" && g.user.SeesQueue(queue)
}

// limit gives one of the limits that the user sees.
func (g *gate) limit(ctx context.Context, name string) (*admin.Limit, error) {
	all, err := g.limits(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(l admin.Limit) bool { return l.Name == name })
	if i < 0 {
		return nil, notThere("limit", name)
	}
	return &all[i], nil
}

// limitRow is a limit in a list.
type limitRow struct {
	*admin.Limit

	Use     int            // percent of its concurrency
	Rate    string         // "": it has none
	Opens   figures.Moment // when it lets the next start, if that is known
	Breaker string         // in words; "": it has none
	Broken  bool           // the breaker is open, or tries some
	Until   figures.Moment // when it tries some
	Changed figures.Moment
}

func rowOfLimit(l *admin.Limit, now time.Time) limitRow {
	return limitRow{
		Limit: l, Use: figures.Percent(l.Running, l.Concurrency), Rate: l.Rate.String(), Opens: figures.When(l.ShutUntil, now),
		Breaker: l.Breaker.String(), Broken: l.State != "" && l.State != drayhorse.BreakerClosed, Until: figures.When(l.OpenUntil, now),
		Changed: figures.When(l.At, now),
	}
}

type limitsPage struct {
	Limits []limitRow
	More   int
	Edits  bool // the user may set and remove them
}

func listLimits(q *request) error {
	all, err := q.gate.limits(q.r.Context())
	if err != nil {
		return err
	}
	p := &limitsPage{More: max(len(all)-limitsShown, 0), Edits: q.may(access.Declare)}
	for i := range all[:min(len(all), limitsShown)] {
		p.Limits = append(p.Limits, rowOfLimit(&all[i], time.Now()))
	}
	return q.show("limits", "Limits", p)
}
