package top

import (
	"context"
	"fmt"
	"strings"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/board"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/figures"
)

// limitsView is the limits of the queues that are counted, and those of all queues, by name.
type limitsView struct {
	list *list[admin.Limit]
	read bool
}

func newLimits() *limitsView {
	return &limitsView{list: &list[admin.Limit]{key: func(l admin.Limit) string { return l.Name + " " + l.Queue }}}
}

func (p *limitsView) title() string { return "Limits" }

func (p *limitsView) fetch() fetch {
	return func(ctx context.Context, a *admin.Admin, r *board.Reading) (any, error) {
		return a.CountLimits(ctx, r.Names[:min(len(r.Names), admin.MaxCounted)]...)
	}
}

func (p *limitsView) take(got any, _ *model) {
	p.list.take(got.([]admin.Limit))
	p.read = true
}

func (p *limitsView) draw(c *canvas, b box, m *model) {
	columns := []column{
		{title: "LIMIT", width: 10, share: 2, most: 30}, {title: "OF", width: 15, share: 3, most: 44}, {title: "ALLOWS", width: 17, share: 2, most: 34},
		{title: "RUNNING", width: 7, right: true}, {title: "WAITING", width: 7, right: true}, {title: "NOW", width: 13, share: 1, most: 30},
	}
	none := "Reading …"
	if p.read {
		none = "There are no limits."
	}
	if n := len(m.reading.Names); n > admin.MaxCounted && m.height >= 20 {
		c.put(1, b.y-1, c.width-2, fmt.Sprintf("of the first %d of %s queues, by name", admin.MaxCounted, figures.Count(n)), faint)
	}
	b = drawDetail(c, b, p.detail(c.width-2, m))
	drawList(c, b, p.list, columns, none, func(l admin.Limit, _ *table) []field {
		now, style := nowOf(&l, m)
		return []field{{l.Name, strong}, {scopeOf(&l), plain}, {allowed(&l), plain}, countOf(l.Running), countOf(l.Waiting), {now, style}}
	})
}

// countOf is a number of jobs, which is not counted for groups.
func countOf(n int) field {
	if n == 0 {
		return field{"–", faint}
	}
	return field{figures.Brief(n), plain}
}

// scopeOf says of which jobs a limit is; without a queue it is of all.
func scopeOf(l *admin.Limit) string {
	var all []string
	if l.Queue != "" {
		all = append(all, l.Queue)
	}
	if l.Kind != "" {
		all = append(all, "kind "+l.Kind)
	}
	if l.PerGroup {
		all = append(all, "each group")
	}
	return strings.Join(all, ", ")
}

// allowed says what a limit lets start.
func allowed(l *admin.Limit) string {
	var all []string
	if l.Concurrency > 0 {
		all = append(all, figures.Count(l.Concurrency)+" at once")
	}
	if text := l.Rate.String(); text != "" {
		all = append(all, text)
	}
	if len(all) == 0 && l.State != "" {
		all = append(all, "all but failures")
	}
	return strings.Join(all, ", ")
}

// nowOf says whether a limit lets jobs start.
func nowOf(l *admin.Limit, m *model) (string, style) {
	switch {
	case l.State == drayhorse.BreakerOpen && l.OpenUntil.After(m.now()):
		return "broken " + figures.Rough(l.OpenUntil.Sub(m.now())), in(cli.Red)
	case isBroken(l):
		return "tries some", in(cli.Yellow)
	case l.Shut && l.ShutUntil.IsZero():
		return "full", in(cli.Yellow)
	case l.Shut:
		return "full " + figures.Rough(max(l.ShutUntil.Sub(m.now()), 0)), in(cli.Yellow)
	}
	return "lets start", in(cli.Green)
}

// detail says more of the limit that is chosen.
func (p *limitsView) detail(width int, m *model) (lines []field) {
	r, ok := p.list.chosen()
	if !ok {
		return nil
	}
	l := &r.value
	add := func(s style, text string) {
		for _, line := range wrap(text, width, 2) {
			lines = append(lines, field{line, s})
		}
	}
	lines = append(lines, field{strings.Repeat("─", width), faint})
	of := "all queues"
	if l.Queue != "" {
		of = "queue " + l.Queue
	}
	add(strong, l.Name+" of "+of)
	if text := l.Breaker.String(); text != "" {
		add(plain, "Breaker: "+text)
	}
	if l.Rate.Burst > 1 {
		add(plain, fmt.Sprintf("After a quiet time %s start at once.", figures.Count(l.Rate.Burst)))
	}
	if l.Shared {
		add(plain, "Partitions have a part of it each.")
	}
	by := "a worker"
	if l.Operator {
		by = "an operator"
	}
	if l.By != "" {
		by = l.By
	}
	text := fmt.Sprintf("Set by %s, %s, version %d", by, m.ago(l.At), l.Version)
	if l.Why != "" {
		text += ": " + l.Why
	}
	add(faint, text)
	return lines
}

func (p *limitsView) press(k key, m *model) bool {
	if p.list.steer(k, m.height-12) {
		return true
	}
	r, ok := p.list.chosen()
	if !ok {
		return false
	}
	if k == "enter" && r.value.Queue != "" {
		m.enter(newJobs(jobsOf(&r.value)))
		return true
	}
	return m.limitKey(k, &r.value)
}

// isBroken reports whether the breaker of a limit is to be closed.
func isBroken(l *admin.Limit) bool { return l.State != "" && l.State != drayhorse.BreakerClosed }

// jobsOf is a filter for the jobs of a limit of a queue.
func jobsOf(l *admin.Limit) string {
	text := "queue:" + l.Queue
	if l.Kind != "" {
		text += " kind:" + l.Kind
	}
	return text
}

func (p *limitsView) hints(m *model) (all []hint) {
	r, ok := p.list.chosen()
	if !ok {
		return nil
	}
	if r.value.Queue != "" {
		all = append(all, hint{"enter", "jobs"})
	}
	if m.readOnly {
		return all
	}
	if isBroken(&r.value) {
		all = append(all, hint{"B", "close breaker"})
	}
	return append(all, hint{"D", "remove"})
}
