package top

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/board"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/deeds"
	"github.com/drayhorse/drayhorse/internal/figures"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// Of what is shown of a job.
const (
	valueBytes = 64 << 10 // of its arguments, and of its result
	valueLines = 200
	errorLines = 12
	stackLines = 20
)

// isGone reports whether what was asked for is not there, or not any more.
func isGone(err error) bool { return errors.Is(err, drayhorse.ErrNotFound) }

// jobView is one job.
type jobView struct {
	queue, id string
	info      *drayhorse.Info // as it was last known
	why       []admin.Reason
	gone      bool
	scroll    int
	lines     []field // as they were drawn last
}

func newJob(info *drayhorse.Info) *jobView {
	return &jobView{queue: info.Queue, id: info.ID, info: info}
}

func (p *jobView) title() string { return "job " + p.id }

// jobRead is what is read of a job.
type jobRead struct {
	info *drayhorse.Info // nil: it is gone
	why  []admin.Reason
}

func (p *jobView) fetch() fetch {
	queue, id := p.queue, p.id
	return func(ctx context.Context, a *admin.Admin, _ *board.Reading) (any, error) {
		info, err := a.Get(ctx, queue, id)
		switch {
		case isGone(err), err == nil && info.Kind == "": // no more than that there was one
			return &jobRead{}, nil
		case err != nil:
			return nil, err
		}
		got := &jobRead{info: info}
		if info.State.Ended() {
			return got, nil
		}
		x, err := a.Explain(ctx, queue, id)
		if isGone(err) { // since
			return got, nil
		} else if err != nil {
			return nil, err
		}
		got.why = x.Why
		return got, nil
	}
}

func (p *jobView) take(got any, _ *model) {
	read := got.(*jobRead)
	if p.gone = read.info == nil; p.gone {
		return // what was last known of it stays
	}
	p.info, p.why = read.info, read.why
}

func (p *jobView) draw(c *canvas, b box, m *model) {
	p.lines = p.text(c.width-2, m)
	room := b.height
	p.scroll = max(0, min(p.scroll, len(p.lines)-room))
	for i, l := range p.lines[p.scroll:min(p.scroll+room, len(p.lines))] {
		c.put(1, b.y+i, c.width-2, l.text, l.style)
	}
	scrollbar(c, b, p.scroll, min(room, len(p.lines)), len(p.lines))
}

// text is all that is known of the job, in lines of a width.
func (p *jobView) text(width int, m *model) (lines []field) {
	j := p.info
	add := func(name, value string, s style) {
		if value == "" {
			return
		}
		for i, line := range wrap(value, width-11, errorLines) {
			label := ""
			if i == 0 {
				label = name
			}
			lines = append(lines, field{fmt.Sprintf("%-10s %s", label, line), s})
		}
	}
	head := func(title string) {
		lines = append(lines, field{}, field{title, style{bold: true, under: true}})
	}
	if p.gone {
		lines = append(lines, field{"It is gone: nothing is kept of it. This is what was last known.", style{colour: cli.Yellow, bold: true}}, field{})
	}
	s := inState(j.State)
	s.bold = true
	add("state", string(j.State), s)
	add("kind", j.Kind, plain)
	add("queue", j.Queue, plain)
	if j.MaxAttempts > 0 {
		add("attempt", fmt.Sprintf("%d of %d", j.Attempt, j.MaxAttempts), plain)
	} else {
		add("kept", "its ID and how it ended, for 24 h from then", plain)
	}
	if j.Rescues > 0 {
		add("rescues", fmt.Sprintf("its worker died %d times", j.Rescues), in(cli.Yellow))
	}
	for _, t := range []struct {
		name string
		at   string
	}{
		{"enqueued", m.moment(figures.When(j.EnqueuedAt, m.now()))}, {"due", m.moment(figures.When(j.DueAt, m.now()))},
		{"finished", m.moment(figures.When(j.FinishedAt, m.now()))}, {"tick", m.moment(figures.When(j.Tick, m.now()))},
	} {
		add(t.name, t.at, plain)
	}
	if g := j.Progress; g != nil {
		add("progress", fmt.Sprintf("%.0f %% %s", 100*g.Fraction, g.Text), in(cli.Cyan))
	}
	add("tags", strings.Join(j.Tags, " "), plain)
	if len(p.why) > 0 {
		head("Why it is where it is")
		for _, r := range p.why {
			text := r.Detail
			if !r.Since.IsZero() {
				text += ", since " + m.ago(r.Since)
			}
			if !r.Until.IsZero() {
				text += ", until " + m.ago(r.Until)
			}
			add(r.Gate, text, plain)
		}
	}
	lines = append(lines, attempts(j, width, m)...)
	lines = append(lines, value("Arguments", j.Args, width)...)
	lines = append(lines, value("Result", j.Result, width)...)
	return lines
}

// moment is a time exactly and from now.
func (m *model) moment(at figures.Moment) string {
	if at.Exact == "" {
		return ""
	}
	return at.Exact + " (" + at.Rough + ")"
}

// attempts is what failed, the latest first.
func attempts(j *drayhorse.Info, width int, m *model) (lines []field) {
	if len(j.Errors) == 0 {
		return nil
	}
	lines = append(lines, field{}, field{"Attempts that failed", style{bold: true, under: true}})
	for i := len(j.Errors) - 1; i >= 0; i-- {
		e := j.Errors[i]
		lines = append(lines, field{fmt.Sprintf("attempt %d  %s", e.Attempt, m.moment(figures.When(e.At, m.now()))), strong})
		for _, line := range wrap(e.Message, width-2, errorLines) {
			lines = append(lines, field{"  " + line, in(cli.Red)})
		}
		for _, line := range wrap(strings.ReplaceAll(e.Stack, "\t", "  "), width-2, stackLines) {
			lines = append(lines, field{"  " + line, faint})
		}
	}
	return lines
}

// value is JSON, a field a line.
func value(title string, raw json.RawMessage, width int) (lines []field) {
	if len(raw) == 0 {
		return nil
	}
	lines = append(lines, field{}, field{title, style{bold: true, under: true}})
	text := printable.Head(string(raw), valueBytes)
	var indented bytes.Buffer
	if len(text) == len(raw) && json.Indent(&indented, raw, "", "  ") == nil {
		text = indented.String()
	}
	for _, line := range wrap(text, width, valueLines) {
		lines = append(lines, field{line, plain})
	}
	if len(raw) > valueBytes {
		lines = append(lines, field{fmt.Sprintf("These are the first %s of %s; drayhorse jobs get has all.", figures.Size(valueBytes), figures.Size(int64(len(raw)))), faint})
	}
	return lines
}

func (p *jobView) press(k key, m *model) bool {
	page := max(m.height-7, 1)
	by, ok := map[key]int{
		"up": -1, "k": -1, "down": 1, "j": 1, "pgup": -page, "ctrl+u": -page, "pgdown": page, "ctrl+d": page,
		"home": -len(p.lines), "g": -len(p.lines), "end": len(p.lines), "G": len(p.lines),
	}[k]
	if ok {
		p.scroll = max(0, min(p.scroll+by, len(p.lines)-1))
		return true
	}
	return m.jobKey(k, p.info)
}

func (p *jobView) hints(m *model) []hint { return jobHints(p.info.State, m) }

// jobHints are the keys of what a job in a state allows.
func jobHints(s drayhorse.State, m *model) (all []hint) {
	if m.readOnly {
		return nil
	}
	if deeds.RetryJob.Fits(s) {
		does := "retry"
		if !s.Ended() {
			does = "run now"
		}
		all = append(all, hint{"R", does})
	}
	all = append(all, hint{"N", "clone"})
	if deeds.CancelJob.Fits(s) {
		all = append(all, hint{"C", "cancel"})
	}
	if deeds.DeleteJob.Fits(s) {
		all = append(all, hint{"D", "delete"})
	}
	return all
}
