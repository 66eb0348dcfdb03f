package top

import (
	"context"
	"errors"
	"fmt"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/deeds"
)

// question asks whether a deed is meant, which is done to what it was asked for, whatever is
// shown by then.
type question struct {
	deed   deeds.Deed
	target deeds.Target
	what   string // the target in words
	past   string // "cancelled": what was done to it
	meant  bool   // it was answered with y
}

// asks opens a question, behind one for a reason if there may be one.
func (m *model) asks(q *question, reason bool) {
	m.said = remark{}
	switch {
	case m.readOnly:
		m.said = remark{"Nothing can be changed: top was started with --read-only.", true}
		return
	case m.doing != nil:
		m.said = remark{"Wait: " + m.doing.deed.Verb + " " + m.doing.what + " is under way.", true}
		return
	case !reason:
		m.ask = q
		return
	}
	m.edit = edit(fmt.Sprintf("%s %s: why?", q.deed.Verb, q.what), "Those who look at it later read it; it may be empty. Enter goes on, Esc leaves it.", "",
		func(text string, m *model) {
			q.target.Reason = text
			m.ask = q
		})
	m.edit.drop = func(m *model) { m.said = remark{text: "Nothing was done."} }
}

// press takes the answer: y, or anything else for no.
func (q *question) press(k key, m *model) {
	m.ask = nil
	if k != "y" && k != "Y" {
		m.said = remark{text: "Nothing was done."}
		return
	}
	q.meant = true
	m.doing = q
	m.said = remark{text: fmt.Sprintf("%s %s …", q.deed.Verb, q.what)}
}

// due gives what is to be done, once.
func (m *model) due() *question {
	if m.doing == nil || !m.doing.meant {
		return nil
	}
	m.doing.meant = false
	return m.doing
}

// carryOut does it.
func (q *question) carryOut(ctx context.Context, a *admin.Admin) outcome {
	made, err := q.deed.Do(ctx, a, q.target)
	if ended, ok := errors.AsType[*drayhorse.EndedError](err); ok { // nothing is left to be done
		return outcome{text: ended.Error() + "."}
	}
	if err != nil {
		return outcome{err: err}
	}
	text := q.past + " " + q.what + "."
	if made.Job != "" {
		text = fmt.Sprintf("%s %s: job %s of queue %s.", q.past, q.what, made.Job, made.Queue)
	}
	return outcome{text: text}
}

func (q *question) draw(c *canvas) {
	width := min(c.width-4, 72)
	effect := wrap(q.deed.Effect, width-4, 4)
	what := wrap(q.what, width-4, 3)
	lines := len(what) + len(effect) + 2
	if q.target.Reason != "" {
		lines++
	}
	title := q.deed.Verb + "?"
	b := window(c, width, lines+2, title)
	y := b.y
	for _, line := range what {
		c.put(b.x, y, b.width, line, strong)
		y++
	}
	for _, line := range effect {
		c.put(b.x, y, b.width, line, plain)
		y++
	}
	if q.target.Reason != "" {
		c.put(b.x, y, b.width, "Why: "+q.target.Reason, faint)
		y++
	}
	y++
	s := in(cli.Yellow)
	if q.deed.Danger {
		s = in(cli.Red)
	}
	s.bold = true
	x := c.put(b.x, y, b.width, " y ", style{reverse: true, bold: true})
	x = c.put(x+1, y, b.width, q.deed.Verb, s)
	c.put(x+3, y, b.x+b.width-x-3, "any other key leaves it", faint)
}

// askJob opens the question for a deed on a job.
func (m *model) askJob(d deeds.Deed, past string, info *drayhorse.Info) {
	what := fmt.Sprintf("job %s of queue %s (%s)", info.ID, info.Queue, info.Kind)
	if !d.Fits(info.State) {
		m.said = remark{fmt.Sprintf("%s is not for a job that is %s.", d.Verb, info.State), true}
		return
	}
	m.asks(&question{deed: d, target: deeds.Target{Queue: info.Queue, Job: info.ID}, what: what, past: past}, false)
}

// jobKeys are those that do something to a job.
func (m *model) jobKey(k key, info *drayhorse.Info) bool {
	switch k {
	case "R":
		m.askJob(deeds.RetryJob, "Retried", info)
	case "N":
		m.askJob(deeds.CloneJob, "Cloned", info)
	case "C":
		m.askJob(deeds.CancelJob, "Cancelled", info)
	case "D":
		m.askJob(deeds.DeleteJob, "Deleted", info)
	default:
		return false
	}
	return true
}

// askQueue opens the question to pause a queue, or to resume it.
func (m *model) askQueue(q *admin.Queue) {
	d, past := deeds.PauseQueue, "Paused"
	if q.Paused {
		d, past = deeds.ResumeQueue, "Resumed"
	}
	m.asks(&question{deed: d, target: deeds.Target{Queue: q.Name}, what: "queue " + q.Name, past: past}, true)
}

// scheduleKey is one that does something to a schedule.
func (m *model) scheduleKey(k key, s *admin.Schedule) bool {
	q := &question{target: deeds.Target{Schedule: s.ID}, what: "schedule " + s.ID}
	switch {
	case k == "T":
		q.deed, q.past = deeds.TriggerSchedule, "Ran"
	case k == "P" && s.Paused.IsZero():
		q.deed, q.past = deeds.PauseSchedule, "Paused"
	case k == "P":
		q.deed, q.past = deeds.ResumeSchedule, "Resumed"
	default:
		return false
	}
	m.asks(q, false)
	return true
}

// limitKey is one that does something to a limit.
func (m *model) limitKey(k key, l *admin.Limit) bool {
	q := &question{target: deeds.Target{Limit: l.Name}, what: "limit " + l.Name}
	switch {
	case k == "B" && isBroken(l):
		q.deed, q.past = deeds.CloseBreaker, "Closed the breaker of"
	case k == "D":
		q.deed, q.past = deeds.RemoveLimit, "Removed"
	default:
		return false
	}
	m.asks(q, true)
	return true
}
