package jobs

import (
	"context"
	"fmt"
	"slices"

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
		return nil, "", fmt.Errorf("%w: a list of state %q; want %s", drayhorse.ErrInvalid, state, Either(drayhorse.States()))
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
