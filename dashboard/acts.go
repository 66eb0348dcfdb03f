package dashboard

import (
	"context"
	"sync"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/board"
	"github.com/drayhorse/drayhorse/internal/figures"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// actsShown is how many actions the page of them shows.
const actsShown = 100

// actRow is an action on all jobs that matched.
type actRow struct {
	*admin.Action

	Link       string
	Began      figures.Moment
	EndedAfter string
	Share      int // of 100, how much was looked at
}

func rowOfAct(x *admin.Action, r *board.Reading) actRow {
	row := actRow{Action: x, Link: link("action", "id", x.ID), Began: figures.When(x.BegunAt, r.Now), Share: 100}
	if x.Ended() {
		row.EndedAfter = figures.Rough(x.EndedAt.Sub(x.BegunAt))
	} else {
		row.Share = min(100*x.Looked/max(x.Total, 1), 99)
	}
	return row
}

type actsPage struct {
	Acts []actRow
	More int
}

func listActions(q *request) error {
	r, err := q.board()
	if err != nil {
		return err
	}
	all, err := q.gate.actions(q.r.Context())
	if err != nil {
		return err
	}
	p := &actsPage{More: max(len(all)-actsShown, 0)}
	for _, x := range all[:min(len(all), actsShown)] {
		p.Acts = append(p.Acts, rowOfAct(x, r))
	}
	return q.show("actions", "Actions", p)
}

func showAction(q *request) error {
	r, err := q.board()
	if err != nil {
		return err
	}
	x, err := q.gate.action(q.r.Context(), q.value("id"))
	if err != nil {
		return err
	}
	return q.show("action", "Action "+x.ID, rowOfAct(x, r))
}

// runner runs the actions that were begun here, each in a goroutine that ends with it, or with
// the dashboard.
type runner struct {
	mu      sync.Mutex
	closed  bool
	running context.Context
	stop    context.CancelFunc
	work    sync.WaitGroup
}

// run runs an action until it has ended.
func (d *dashboard) run(id string) {
	r := &d.runner
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return // whoever looks after actions finds it
	}
	if r.running == nil {
		r.running, r.stop = context.WithCancel(context.Background())
	}
	r.work.Go(func() {
		if _, err := d.admin.RunAction(r.running, id, nil); err != nil && r.running.Err() == nil {
			d.log.WarnContext(r.running, "action is left where it stands", "action", id, logs.Error, err)
		}
	})
}

func (r *runner) close() {
	r.mu.Lock()
	r.closed = true
	if r.stop != nil {
		r.stop()
	}
	r.mu.Unlock()
	r.work.Wait()
}
