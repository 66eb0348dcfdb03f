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

// queuesView is the queues by name.
type queuesView struct {
	list   *list[queueRow]
	find   string // a part of the names
	limits []admin.Limit
	of     string // the queue whose limits they are
	total  int    // of those that match
}

func newQueues() *queuesView { return &queuesView{list: &list[queueRow]{key: keyOfQueue}} }

func (p *queuesView) title() string { return "Queues" }

// queuesRead is what is read for the list beside the board.
type queuesRead struct {
	found  []admin.Queue // that match, if some are looked for
	total  int
	of     string
	limits []admin.Limit
}

// fetch reads the limits of the queue that is chosen, and those queues that are looked for and
// that the board has not counted.
func (p *queuesView) fetch() fetch {
	find, chosen := p.find, ""
	if r, ok := p.list.chosen(); ok {
		chosen = r.key
	}
	return func(ctx context.Context, a *admin.Admin, r *board.Reading) (any, error) {
		got := &queuesRead{of: chosen, total: len(r.Names)}
		if find != "" {
			var names []string
			got.total = 0
			for _, name := range r.Names {
				if strings.Contains(name, find) {
					if got.total++; len(names) < board.MaxQueues {
						names = append(names, name)
					}
				}
			}
			var err error
			if got.found, err = a.CountQueues(ctx, names...); err != nil {
				return nil, err
			}
		}
		if chosen == "" {
			return got, nil
		}
		limits, err := a.LimitsOf(ctx, chosen)
		if err != nil && !isGone(err) {
			return nil, err
		}
		got.limits = limits
		return got, nil
	}
}

func (p *queuesView) look(m *model) {
	if p.find == "" {
		p.list.take(queueRows(m.reading))
		p.total = len(m.reading.Names)
	}
}

func (p *queuesView) take(got any, m *model) {
	read := got.(*queuesRead)
	p.of, p.limits = read.of, read.limits
	if p.find != "" {
		r := *m.reading
		r.Queues = read.found
		p.list.take(queueRows(&r))
		p.total = read.total
	}
}

func (p *queuesView) draw(c *canvas, b box, m *model) {
	if m.height >= 20 && (p.find != "" || p.total > len(p.list.rows)) {
		text := fmt.Sprintf("%s of %s", figures.Count(len(p.list.rows)), figures.Plural(p.total, "queue"))
		if p.find != "" {
			text += fmt.Sprintf(" with %q in the name", p.find)
		}
		if p.total > board.MaxQueues {
			text += "; / finds others"
		}
		c.put(1, b.y-1, c.width-2, text, faint)
	}
	drawQueues(c, drawDetail(c, b, p.detail(c.width-2, m)), p.list)
}

// detail says more of the queue that is chosen.
func (p *queuesView) detail(width int, m *model) (lines []field) {
	r, ok := p.list.chosen()
	if !ok {
		return nil
	}
	add := func(s style, format string, args ...any) {
		for _, line := range wrap(fmt.Sprintf(format, args...), width, 2) {
			lines = append(lines, field{line, s})
		}
	}
	q := &r.value.Queue
	lines = append(lines, field{strings.Repeat("─", width), faint})
	add(strong, "%s", q.Name)
	if q.Problem != "" {
		add(in(cli.Red), "It cannot be counted: %s", q.Problem)
	}
	for i, pause := range q.Pauses {
		if i == 2 && len(q.Pauses) > 3 {
			add(in(cli.Yellow), "and %d pauses more", len(q.Pauses)-i)
			break
		}
		add(in(cli.Yellow), "%s", pauseText(&pause, m))
	}
	if text := depthText(q); text != "" {
		add(plain, "%s", text)
	}
	if p.of == q.Name {
		for i, l := range p.limits {
			if i == 2 && len(p.limits) > 3 {
				add(plain, "and %d limits more", len(p.limits)-i)
				break
			}
			add(plain, "%s", limitText(&l))
		}
	}
	return lines
}

func pauseText(p *admin.Paused, m *model) string {
	text := "Paused"
	switch {
	case p.Kind != "" && p.Group != "":
		text = "Kind " + p.Kind + " of group " + p.Group + " is paused"
	case p.Group != "":
		text = "Group " + p.Group + " is paused"
	case p.Kind != "":
		text = "Kind " + p.Kind + " is paused"
	}
	if p.By != "" {
		text += " by " + p.By
	}
	if !p.At.IsZero() {
		text += ", " + m.ago(p.At)
	}
	if p.Why != "" {
		text += ": " + p.Why
	}
	return text
}

// depthText says what is special about the jobs of a queue.
func depthText(q *admin.Queue) string {
	var all []string
	if q.MaxDepth > 0 {
		live := q.Scheduled + q.Available + q.Running + q.Retryable
		all = append(all, fmt.Sprintf("%s of at most %s live jobs", figures.Count(live), figures.Count(q.MaxDepth)))
	}
	if q.Partitions > 1 {
		all = append(all, figures.Plural(q.Partitions, "partition"))
	}
	for _, p := range drayhorse.Priorities() {
		if n := q.Priorities[p]; n > 0 {
			all = append(all, figures.Count(n)+" of priority "+p.String())
		}
	}
	if q.Grouped > 0 {
		all = append(all, fmt.Sprintf("%s in %s", figures.Count(q.Grouped), figures.Plural(q.Groups, "group")))
	}
	if q.Parked > 0 {
		all = append(all, figures.Count(q.Parked)+" parked: no worker serves their kind")
	}
	if q.Suspects > 0 {
		all = append(all, figures.Count(q.Suspects)+" suspect: their workers died twice")
	}
	return strings.Join(all, " · ")
}

func limitText(l *admin.Limit) string {
	text := "Limit " + l.Name + ":"
	if l.Concurrency > 0 {
		text += fmt.Sprintf(" %d at once", l.Concurrency)
	}
	if l.Rate.Jobs > 0 {
		text += " " + l.Rate.String()
	}
	if l.Kind != "" {
		text += " of kind " + l.Kind
	}
	if l.PerGroup {
		text += " of each group"
	}
	if l.State != "" {
		text += ", breaker " + string(l.State)
	}
	if l.By != "" {
		text += ", by " + l.By
	}
	if l.Why != "" {
		text += " (" + l.Why + ")"
	}
	return text
}

// drawQueues draws a table of queues.
func drawQueues(c *canvas, b box, l *list[queueRow]) {
	columns := []column{
		{title: "QUEUE", width: 12, share: 3, most: 48}, {title: "WAITING", width: 7, right: true}, {title: "OLDEST", width: 6, right: true},
		{title: "RUNNING", width: 7, right: true}, {title: "RETRYABLE", width: 9, right: true, rank: 1}, {title: "SCHEDULED", width: 9, right: true, rank: 3},
		{title: "DISCARDED", width: 9, right: true}, {title: "IN/S", width: 5, right: true, rank: 2}, {title: "DONE/S", width: 6, right: true, rank: 2},
		{title: "LAST MINUTES", width: 12, share: 1, most: 30, rank: 4}, {title: "", width: 7, share: 2},
	}
	drawList(c, b, l, columns, "There are no queues: the first job makes one.", func(q queueRow, t *table) []field {
		number := func(n int, s style) field {
			if n == 0 {
				s = faint
			}
			return field{figures.Brief(n), s}
		}
		waited, slow := "–", faint
		if !q.Oldest.IsZero() {
			if waited, slow = figures.Rough(q.Latency()), plain; q.Latency() > board.LongWait {
				slow = in(cli.Yellow)
			}
		}
		remark, s := remarkOf(&q.Queue, t.widths[len(columns)-1])
		return []field{
			{q.Name, strong}, number(q.Available, plain), {waited, slow}, number(q.Running, inState(drayhorse.Running)),
			number(q.Retryable, inState(drayhorse.Retryable)), number(q.Scheduled, inState(drayhorse.Scheduled)), number(q.Discarded, inState(drayhorse.Discarded)),
			{figures.Rate(q.rates.NowIn), plain}, {figures.Rate(q.rates.NowOut), plain},
			{spark(q.rates.Out, t.widths[9], highest(0.1, q.rates.Out)), in(cli.Green)}, {remark, s},
		}
	})
}

// remarkOf says what is special about a queue, in a word, or in some where there is room.
func remarkOf(q *admin.Queue, width int) (string, style) {
	switch live := q.Scheduled + q.Available + q.Running + q.Retryable; {
	case q.Problem != "":
		return "broken", in(cli.Red)
	case q.Paused:
		text := "paused"
		if p := q.PauseOf(""); p != nil && p.By != "" && len(text+" by "+p.By) <= width {
			text += " by " + p.By
		}
		return text, in(cli.Yellow)
	case q.MaxDepth > 0 && live >= q.MaxDepth:
		return "full", in(cli.Red)
	case len(q.Pauses) > 0:
		if text := figures.Plural(len(q.Pauses), "kind") + " paused"; len(text) <= width {
			return text, in(cli.Yellow)
		}
		return "kinds", in(cli.Yellow)
	case q.Parked > 0:
		return "parked", in(cli.Yellow)
	}
	return "", plain
}

// pressQueues is the keys of a list of queues.
func pressQueues(k key, l *list[queueRow], m *model) bool {
	if l.steer(k, m.height-10) {
		return true
	}
	r, ok := l.chosen()
	switch {
	case !ok:
		return false
	case k == "enter":
		m.enter(newJobs("queue:" + r.value.Name))
	case k == "P":
		m.askQueue(&r.value.Queue)
	default:
		return false
	}
	return true
}

func queueHints(l *list[queueRow], m *model) []hint {
	r, ok := l.chosen()
	if !ok {
		return nil
	}
	all := []hint{{"enter", "jobs"}}
	if !m.readOnly {
		if r.value.Paused {
			return append(all, hint{"P", "resume"})
		}
		return append(all, hint{"P", "pause queue"})
	}
	return all
}

func (p *queuesView) press(k key, m *model) bool {
	switch {
	case k == "/":
		m.edit = edit("Queues with this in the name", "Empty shows all. Enter finds, Esc leaves it.", p.find, func(text string, m *model) {
			p.find = strings.TrimSpace(text)
			p.list.reset()
			p.look(m)
			m.changed()
		})
		return true
	case k == "esc" && p.find != "":
		p.find = ""
		p.list.reset()
		p.look(m)
		m.changed()
		return true
	}
	return pressQueues(k, p.list, m)
}

func (p *queuesView) hints(m *model) []hint { return append(queueHints(p.list, m), hint{"/", "find"}) }
