package top

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/board"
	"github.com/drayhorse/drayhorse/internal/filter"
)

// jobsShown is how many jobs a page has.
const jobsShown = 100

// jobsView is the jobs that meet a filter, a page at a time.
type jobsView struct {
	list    *list[*drayhorse.Info]
	filter  string
	cursors []string // of the pages before, and of this one; none: it is the first
	next    string   // of the page behind; "": there is none
	read    bool

	ofOneQueue bool // the filter says which
}

func newJobs(where string) *jobsView {
	p := &jobsView{list: &list[*drayhorse.Info]{key: func(j *drayhorse.Info) string { return j.Queue + "/" + j.ID }}}
	p.restart(where)
	return p
}

func (p *jobsView) title() string { return "Jobs" }

func (p *jobsView) cursor() string {
	if n := len(p.cursors); n > 0 {
		return p.cursors[n-1]
	}
	return ""
}

func (p *jobsView) fetch() fetch {
	f := admin.Filter{Where: p.filter, Limit: jobsShown, Cursor: p.cursor()}
	return func(ctx context.Context, a *admin.Admin, _ *board.Reading) (any, error) { return a.Jobs(ctx, f) }
}

func (p *jobsView) take(got any, _ *model) {
	page := got.(*admin.Page)
	for _, j := range page.Jobs { // they may be large, and the list shows neither
		j.Args, j.Result = nil, nil
	}
	p.list.take(page.Jobs)
	p.next, p.read = page.Next, true
}

// restart begins with the first page of a filter.
func (p *jobsView) restart(where string) {
	p.filter, p.cursors, p.next, p.read = where, nil, "", false
	f, err := filter.Parse(where, time.Now())
	p.ofOneQueue = err == nil && f.Queue != ""
	p.list.reset()
}

func (p *jobsView) draw(c *canvas, b box, m *model) {
	shown := p.filter
	if shown == "" {
		shown = "all jobs"
	}
	x := c.put(1, b.y, c.width-2, "filter ", faint)
	x = c.put(x, b.y, c.width-x-20, shown, strong)
	page := fmt.Sprintf("page %d", len(p.cursors)+1)
	if p.next != "" {
		page += ", n has more"
	}
	c.right(c.width-1, b.y, min(c.width-x-2, 22), page, faint)
	none := "Reading …"
	switch {
	case p.read && p.next != "":
		none = "None among those that were looked at; n looks at more."
	case p.read:
		none = "No jobs. Jobs that have ended are kept for as long as they were told to be."
	}
	columns := []column{
		{title: "STATE", width: 9}, {title: "ID", width: 14, share: 2, most: 36, ids: true}, {title: "KIND", width: 10, share: 1, most: 30},
		{title: "QUEUE", width: 8, share: 1, most: 24, rank: 3}, {title: "TRY", width: 5, right: true, rank: 2}, {title: "WHEN", width: 10, right: true, rank: 1},
		{title: "LAST ERROR", width: 12, share: 4, rank: 4},
	}
	if p.ofOneQueue {
		columns[3] = column{} // it says nothing
	}
	drawList(c, box{b.y + 1, b.height - 1}, p.list, columns, none, func(j *drayhorse.Info, _ *table) []field {
		last := ""
		if n := len(j.Errors); n > 0 {
			last, _, _ = strings.Cut(j.Errors[n-1].Message, "\n")
		}
		return []field{
			{string(j.State), inState(j.State)}, {j.ID, strong}, {j.Kind, plain}, {j.Queue, plain},
			{fmt.Sprintf("%d/%d", j.Attempt, j.MaxAttempts), faint}, {m.ago(sinceOf(j)), plain}, {last, faint},
		}
	})
}

// sinceOf is when a job came to where it is, or when it leaves it.
func sinceOf(j *drayhorse.Info) time.Time {
	switch {
	case !j.FinishedAt.IsZero():
		return j.FinishedAt
	case !j.DueAt.IsZero():
		return j.DueAt
	}
	return j.EnqueuedAt
}

func (p *jobsView) press(k key, m *model) bool {
	if p.list.steer(k, m.height-8) {
		return true
	}
	switch k {
	case "/":
		p.editFilter(m)
		return true
	case "n":
		p.turn(m)
		return true
	case "b":
		if n := len(p.cursors); n > 0 {
			p.cursors = p.cursors[:n-1]
			p.list.reset()
			m.changed()
		} else {
			m.said = remark{text: "This is the first page."}
		}
		return true
	}
	r, ok := p.list.chosen()
	if !ok {
		return false
	}
	if k == "enter" {
		m.enter(newJob(r.value))
		return true
	}
	return m.jobKey(k, r.value)
}

// turn goes to the next page.
func (p *jobsView) turn(m *model) {
	if p.next == "" {
		m.said = remark{text: "This is the last page."}
		return
	}
	p.cursors = append(p.cursors, p.next)
	p.next, p.read = "", false
	p.list.reset()
	m.changed()
}

// editFilter has somebody type another filter, and says where it is wrong.
func (p *jobsView) editFilter(m *model) {
	m.edit = edit("Which jobs", "state: queue: kind: id: group: tag: args.PATH: error: worker: before: after:, or a text. Tab completes, Enter shows them, Esc leaves it.", p.filter,
		func(text string, m *model) {
			p.restart(strings.TrimSpace(text))
			m.changed()
		})
	m.edit.offer = func(before string, m *model) []string {
		r := m.reading
		if r == nil {
			r = &board.Reading{}
		}
		return filter.Complete(before, r.Values)
	}
	m.edit.check = func(text string) (string, int) {
		_, err := filter.Parse(text, m.clock())
		if mistake, ok := errors.AsType[*filter.Error](err); ok {
			return fmt.Sprintf("at character %d: %s", mistake.At+1, mistake.Text), mistake.At
		}
		return "", 0
	}
}

func (p *jobsView) hints(m *model) []hint {
	all := []hint{{"/", "filter"}}
	if r, ok := p.list.chosen(); ok {
		all = append([]hint{{"enter", "look"}}, all...)
		all = append(all, jobHints(r.value.State, m)...)
	}
	if p.next != "" {
		all = append(all, hint{"n", "next page"})
	}
	if len(p.cursors) > 0 {
		all = append(all, hint{"b", "page before"})
	}
	return all
}
