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

// schedulesView is the schedules, a page of some hundreds at a time.
type schedulesView struct {
	list    *list[*admin.Schedule]
	cursors []string
	next    string
	read    bool
}

func newSchedules() *schedulesView {
	return &schedulesView{list: &list[*admin.Schedule]{key: func(s *admin.Schedule) string { return s.ID }}}
}

func (p *schedulesView) title() string { return "Schedules" }

func (p *schedulesView) fetch() fetch {
	cursor := ""
	if n := len(p.cursors); n > 0 {
		cursor = p.cursors[n-1]
	}
	return func(ctx context.Context, a *admin.Admin, _ *board.Reading) (any, error) {
		return a.Schedules(ctx, cursor)
	}
}

func (p *schedulesView) take(got any, _ *model) {
	page := got.(*admin.SchedulePage)
	p.list.take(page.Schedules)
	p.next, p.read = page.Next, true
}

func (p *schedulesView) draw(c *canvas, b box, m *model) {
	columns := []column{
		{title: "ID", width: 14, share: 3, most: 40}, {title: "WHEN", width: 14, share: 2, most: 44}, {title: "NEXT", width: 10, right: true},
		{title: "LAST", width: 9, right: true, rank: 2}, {title: "KIND", width: 10, share: 1, most: 30, rank: 3}, {title: "QUEUE", width: 8, share: 1, most: 24, rank: 4},
	}
	none := "Reading …"
	if p.read {
		none = "There are no schedules."
	}
	drawList(c, b, p.list, columns, none, func(s *admin.Schedule, _ *table) []field {
		next, style := nextOf(s, m)
		return []field{{s.ID, strong}, {s.When(), plain}, {next, style}, {m.ago(s.Last), faint}, {s.Kind, plain}, {s.Queue, plain}}
	})
}

// nextOf says when it fires next, or why it does not.
func nextOf(s *admin.Schedule, m *model) (string, style) {
	switch {
	case !s.Paused.IsZero():
		return "paused", in(cli.Yellow)
	case s.Next.IsZero():
		return "–", faint
	case m.now().Sub(s.Next) > board.Late:
		return "late " + figures.Rough(m.now().Sub(s.Next)), in(cli.Red)
	}
	return m.ago(s.Next), in(cli.Green)
}

func (p *schedulesView) press(k key, m *model) bool {
	if p.list.steer(k, m.height-7) {
		return true
	}
	switch {
	case k == "n" && p.next != "":
		p.cursors = append(p.cursors, p.next)
		p.list.reset()
		m.changed()
		return true
	case k == "b" && len(p.cursors) > 0:
		p.cursors = p.cursors[:len(p.cursors)-1]
		p.list.reset()
		m.changed()
		return true
	}
	r, ok := p.list.chosen()
	if !ok {
		return false
	}
	if k == "enter" {
		m.enter(newSchedule(r.value))
		return true
	}
	return m.scheduleKey(k, r.value)
}

func (p *schedulesView) hints(m *model) []hint {
	var all []hint
	if r, ok := p.list.chosen(); ok {
		all = append([]hint{{"enter", "look"}}, scheduleHints(r.value, m)...)
	}
	if p.next != "" {
		all = append(all, hint{"n", "next page"})
	}
	if len(p.cursors) > 0 {
		all = append(all, hint{"b", "page before"})
	}
	return all
}

func scheduleHints(s *admin.Schedule, m *model) []hint {
	switch {
	case m.readOnly:
		return nil
	case s.Paused.IsZero():
		return []hint{{"T", "run now"}, {"P", "pause"}}
	}
	return []hint{{"T", "run now"}, {"P", "resume"}}
}

// ticksShown is how many ticks to come are shown of a schedule.
const ticksShown = 5

// scheduleView is one schedule, with the ticks that it had and will have.
type scheduleView struct {
	schedule *admin.Schedule
	gone     bool
	ticks    *list[admin.Tick]
}

func newSchedule(s *admin.Schedule) *scheduleView {
	return &scheduleView{schedule: s, ticks: &list[admin.Tick]{key: func(t admin.Tick) string { return fmt.Sprint(t.Tick.UnixNano(), t.At.UnixNano(), t.Outcome, t.JobID) }}}
}

func (p *scheduleView) title() string { return "schedule " + p.schedule.ID }

// scheduleRead is what is read of a schedule.
type scheduleRead struct {
	schedule *admin.Schedule // nil: it is gone
	ticks    []admin.Tick
}

func (p *scheduleView) fetch() fetch {
	id := p.schedule.ID
	return func(ctx context.Context, a *admin.Admin, _ *board.Reading) (any, error) {
		s, err := a.Schedule(ctx, id)
		if isGone(err) {
			return &scheduleRead{}, nil
		} else if err != nil {
			return nil, err
		}
		ticks, err := a.ScheduleHistory(ctx, id)
		if err != nil && !isGone(err) {
			return nil, err
		}
		return &scheduleRead{s, ticks}, nil
	}
}

func (p *scheduleView) take(got any, _ *model) {
	read := got.(*scheduleRead)
	if p.gone = read.schedule == nil; p.gone {
		return
	}
	p.schedule = read.schedule
	p.ticks.take(read.ticks)
}

func (p *scheduleView) draw(c *canvas, b box, m *model) {
	s := p.schedule
	y := b.y
	line := func(name, text string, st style) {
		if text != "" && y < b.y+b.height {
			x := c.put(1, y, 9, name, faint)
			c.put(max(x+1, 11), y, c.width-12, text, st)
			y++
		}
	}
	if p.gone {
		line("gone", "It was removed. This is what was last known.", style{colour: cli.Yellow, bold: true})
	}
	line("when", s.When(), strong)
	next, st := nextOf(s, m)
	if s.Paused.IsZero() {
		next = p.coming(m, next)
	} else {
		next = "paused " + m.ago(s.Paused)
	}
	line("next", next, st)
	line("last", m.moment(figures.When(s.Last, m.now())), plain)
	line("job", fmt.Sprintf("%s in queue %s, %s, overlap %s, catch up %s", s.Kind, s.Queue, figures.Plural(s.MaxAttempts, "attempt"), s.Overlap, s.CatchUp), plain)
	line("args", string(s.Args), plain)
	line("tags", strings.Join(s.Tags, " "), plain)
	line("source", s.Source, faint)
	columns := []column{
		{title: "TICK", width: 10, share: 1, most: 14}, {title: "OUTCOME", width: 9, share: 1, most: 14}, {title: "JOB", width: 14, share: 3, most: 48, ids: true}, {title: "STATE", width: 9, share: 1},
	}
	drawList(c, box{y + 1, b.y + b.height - y - 1}, p.ticks, columns, "It has not fired yet.", func(t admin.Tick, _ *table) []field {
		what := t.Outcome
		if t.Count > 1 {
			what = fmt.Sprintf("%s %d", what, t.Count)
		}
		state := field{string(t.State), inState(t.State)}
		if t.State == "" {
			state = field{t.Error, faint}
		}
		return []field{{m.ago(t.Tick), plain}, {what, plain}, {t.JobID, strong}, state}
	})
}

// coming says the next ticks.
func (p *scheduleView) coming(m *model, next string) string {
	all := []string{next}
	for i, tick := range p.schedule.Ticks(ticksShown) {
		if i > 0 {
			all = append(all, m.ago(tick))
		}
	}
	return strings.Join(all, ", ")
}

func (p *scheduleView) press(k key, m *model) bool {
	if p.ticks.steer(k, m.height-14) {
		return true
	}
	if r, ok := p.ticks.chosen(); ok && k == "enter" {
		if r.value.State == "" {
			m.said = remark{text: "Of the job of that tick nothing is kept."}
			return true
		}
		m.enter(newJob(&drayhorse.Info{ID: r.value.JobID, Queue: r.value.Queue, Kind: p.schedule.Kind, State: r.value.State}))
		return true
	}
	return m.scheduleKey(k, p.schedule)
}

func (p *scheduleView) hints(m *model) []hint {
	all := scheduleHints(p.schedule, m)
	if _, ok := p.ticks.chosen(); ok {
		all = append([]hint{{"enter", "its job"}}, all...)
	}
	return all
}
