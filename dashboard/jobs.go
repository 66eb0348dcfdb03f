package dashboard

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/board"
	"github.com/drayhorse/drayhorse/internal/figures"
	"github.com/drayhorse/drayhorse/internal/filter"
)

// Of a page of jobs.
const (
	jobsShown   = 50
	mostJobs    = 200
	errorShown  = 300 // bytes of an error in a list
	suggestions = 200 // queues that the filter suggests
)

// jobRow is a job in a list.
type jobRow struct {
	*drayhorse.Info

	Link    string
	Key     string // QUEUE/ID, as the parameter job has it
	At      figures.Moment
	AtWhat  string // what At is
	Error   string // the last
	Overdue bool
}

func rowOfJob(info *drayhorse.Info, now time.Time) jobRow {
	row := jobRow{Info: info, Link: link("job", "queue", info.Queue, "id", info.ID), Key: info.Queue + "/" + info.ID}
	switch {
	case !info.FinishedAt.IsZero():
		row.At, row.AtWhat = figures.When(info.FinishedAt, now), "ended"
	case !info.DueAt.IsZero():
		row.At, row.AtWhat, row.Overdue = figures.When(info.DueAt, now), "due", now.Sub(info.DueAt) > board.LongWait
	case !info.EnqueuedAt.IsZero():
		row.At, row.AtWhat = figures.When(info.EnqueuedAt, now), "enqueued"
	}
	if n := len(info.Errors); n > 0 {
		row.Error = cut(info.Errors[n-1].Message, errorShown)
	}
	return row
}

// tab is a state to choose.
type tab struct {
	Name, Link string
	State      string // by which it is coloured; "": it is not
	Count      int    // negative: unknown
	Chosen     bool
}

type jobsPage struct {
	Jobs               []jobRow
	Queue, State, Kind string
	Where              string // the filter in words
	Wrong              string // what is wrong with it
	Limit              int
	Tabs               []tab
	Names              []string // of queues, for the filter
	Next, First        string   // addresses
	Short              bool     // it looked at many and found few
	Looked             int      // at how many, on this page and those before
	All                []choice // what may be done to all that match
}

func listJobs(q *request) error {
	r, err := q.board()
	if err != nil {
		return err
	}
	p := &jobsPage{Queue: q.value("queue"), State: q.value("state"), Kind: q.value("kind"), Where: q.value("where")}
	if p.Limit, err = q.number("limit", jobsShown, mostJobs); err != nil {
		return err
	}
	page, err := q.gate.jobs(q.r.Context(), admin.Filter{
		Queue: p.Queue, State: drayhorse.State(p.State), Kind: p.Kind, Where: p.Where, Limit: p.Limit, Cursor: q.value("cursor"),
	})
	if mistake, ok := errors.AsType[*filter.Error](err); ok {
		p.Wrong, page, err = sentence(mistake), &admin.Page{}, nil
	}
	if err != nil {
		return err
	}
	for _, info := range page.Jobs {
		p.Jobs = append(p.Jobs, rowOfJob(info, r.Now))
	}
	p.Names = r.Names[:min(len(r.Names), suggestions)]
	p.Short = page.Next != "" && len(page.Jobs) < p.Limit
	before, err := q.number("looked", 0, math.MaxInt32)
	if err != nil {
		return err
	}
	p.Looked = before + page.Looked
	if page.Next != "" {
		p.Next = p.link(p.State, page.Next, p.Looked)
	}
	if q.value("cursor") != "" {
		p.First = p.link(p.State, "", 0)
	}
	if p.Tabs, err = p.tabs(q, r); err != nil {
		return err
	}
	p.All = p.choices(q)
	return q.show("jobs", "Jobs", p)
}

// link is the address of the same list in a state, from a cursor on.
func (p *jobsPage) link(state, cursor string, looked int) string {
	limit, sofar := "", ""
	if p.Limit != jobsShown {
		limit = strconv.Itoa(p.Limit)
	}
	if looked > 0 {
		sofar = strconv.Itoa(looked)
	}
	return link("jobs", "queue", p.Queue, "state", state, "kind", p.Kind, "where", p.Where, "limit", limit, "cursor", cursor, "looked", sofar)
}

// tabs gives the states with their counts, of one queue or of all that were counted.
func (p *jobsPage) tabs(q *request, r *board.Reading) ([]tab, error) {
	var counts []stateCount
	known := p.Kind == "" && p.Where == ""
	switch {
	case p.Queue != "" && !q.user.SeesQueue(p.Queue): // some of its kinds, which nobody counts
		known = false
		counts = statesOf(&admin.Queue{})
	case p.Queue != "":
		queue, err := q.queue(r, p.Queue)
		if err != nil {
			return nil, err
		}
		counts = statesOf(queue)
	default:
		known = known && len(r.Names) <= board.MaxQueues
		var all admin.Queue
		for i := range r.Queues {
			addCounts(&all, &r.Queues[i])
		}
		counts = statesOf(&all)
	}
	tabs := []tab{{Name: "all", Link: p.link("", "", 0), Count: -1, Chosen: p.State == ""}}
	for _, c := range counts {
		t := tab{Name: string(c.State), State: string(c.State), Link: p.link(string(c.State), "", 0), Count: -1, Chosen: p.State == string(c.State)}
		if known {
			t.Count = c.Count
		}
		tabs = append(tabs, t)
	}
	return tabs, nil
}

func addCounts(to, q *admin.Queue) {
	to.Scheduled += q.Scheduled
	to.Available += q.Available
	to.Running += q.Running
	to.Retryable += q.Retryable
	to.Completed += q.Completed
	to.Cancelled += q.Cancelled
	to.Discarded += q.Discarded
}

// choice is an action on all jobs that match.
type choice struct {
	Verb, Link string
	Danger     bool
}

// choices are the actions that the state allows, if one was chosen.
func (p *jobsPage) choices(q *request) (all []choice) {
	state := drayhorse.State(p.State)
	for _, a := range actions {
		if a.On != onAll || !q.may(a.needs) || p.Wrong != "" || (state != "" && !slices.Contains(admin.States(a.all), state)) {
			continue
		}
		all = append(all, choice{a.Verb, link("confirm", "action", a.Name, "queue", p.Queue, "state", p.State, "kind", p.Kind, "where", p.Where), a.Danger})
	}
	return all
}
