package dashboard

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/access"
	"github.com/drayhorse/drayhorse/internal/board"
	"github.com/drayhorse/drayhorse/internal/figures"
)

// eventsShown is how many events a page has.
const eventsShown = 100

// feed is the last events, which are read once for all who look within a second.
type feed struct {
	mu   sync.Mutex
	at   time.Time
	last []*admin.Event
}

func (f *feed) read(ctx context.Context, a *admin.Admin) ([]*admin.Event, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.at) < time.Second {
		return f.last, nil
	}
	last, err := a.LatestEvents(ctx)
	if err == nil {
		f.last, f.at = last, time.Now()
	}
	return last, err
}

// events gives the last events that the user sees, of those that are asked for, the latest first.
func (g *gate) events(ctx context.Context, query admin.EventQuery) ([]*admin.Event, error) {
	if err := g.mayAsk(query.Where); err != nil {
		return nil, err
	}
	if !g.user.SeesAll() {
		query.Within = append([]string{}, g.user.Scope...)
	}
	all, err := g.feed.read(ctx, g.admin)
	if err != nil {
		return nil, err
	}
	if !g.user.SeesAll() { // whose are missing, nobody knows
		all = slices.DeleteFunc(slices.Clone(all), func(e *admin.Event) bool { return e.Type == admin.EventMissed && e.Count > 0 })
	}
	seen, err := query.Select(all)
	if err != nil || g.user.May(access.Read) {
		return seen, err
	}
	for i, e := range seen {
		if e.Error != "" {
			own := *e // others see it
			own.Error = ""
			seen[i] = &own
		}
	}
	return seen, nil
}

// eventRow is an event on the page.
type eventRow struct {
	*admin.Event

	When  figures.Moment
	Link  string // to its job, or its queue
	Took  string
	Wait  string
	Again string
	Lost  string // what is missing
}

type eventsPage struct {
	Queue, Kind, Type, Where, Wrong string

	Types []admin.EventType
	Names []string // of queues, to choose from
	Rows  []eventRow
}

func showEvents(q *request) error {
	p := &eventsPage{Queue: q.value("queue"), Kind: q.value("kind"), Type: q.value("type"), Where: strings.TrimSpace(q.value("where"))}
	p.Types = slices.DeleteFunc(admin.EventTypes(), func(t admin.EventType) bool { return t == admin.EventMissed })
	query := admin.EventQuery{Queue: p.Queue, Kind: p.Kind, Where: p.Where}
	if p.Type != "" {
		query.Types = []admin.EventType{admin.EventType(p.Type)}
	}
	r, err := q.board()
	if err != nil {
		return err
	}
	p.Names = r.Names[:min(len(r.Names), suggestions)]
	if err := query.Validate(); err != nil {
		p.Wrong = strings.TrimPrefix(err.Error(), drayhorse.ErrInvalid.Error()+" ")
		return q.show("events", "Events", p)
	}
	seen, err := q.gate.events(q.r.Context(), query)
	if err != nil {
		return err
	}
	for _, e := range seen[:min(len(seen), eventsShown)] {
		p.Rows = append(p.Rows, rowOfEvent(e, r.Now))
	}
	return q.show("events", "Events", p)
}

func rowOfEvent(e *admin.Event, now time.Time) eventRow {
	row := eventRow{Event: e, When: figures.When(e.At, now)}
	switch {
	case e.JobID != "":
		row.Link = link("job", "queue", e.Queue, "id", e.JobID)
	case e.Queue != "":
		row.Link = link("queue", "queue", e.Queue)
	}
	if e.Ran > 0 {
		row.Took = figures.Took(e.Ran)
	}
	if e.Type == admin.EventStarted && e.Attempt == 1 {
		row.Wait = figures.Took(e.Waited)
	}
	if e.Delay > 0 {
		row.Again = figures.Took(e.Delay)
	}
	if e.Type == admin.EventMissed {
		row.Lost = board.Missed(e)
	}
	return row
}
