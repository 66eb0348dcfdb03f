package operate

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/figures"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// colours of states.
var colours = map[drayhorse.State]cli.Colour{
	drayhorse.Scheduled: cli.Blue, drayhorse.Running: cli.Cyan, drayhorse.Retryable: cli.Yellow,
	drayhorse.Completed: cli.Green, drayhorse.Cancelled: cli.Dim, drayhorse.Discarded: cli.Red,
}

func showJobs(call *cli.Call, list *admin.Page) error {
	now := time.Now()
	t := cli.NewTable("ID", "KIND", "QUEUE", "STATE", "ATTEMPT", "SINCE", "LAST ERROR")
	for _, j := range list.Jobs {
		t.Row(cli.Cell{Text: j.ID}, cli.Cell{Text: j.Kind}, cli.Cell{Text: j.Queue},
			cli.Cell{Text: string(j.State), Colour: colours[j.State]},
			cli.Cell{Text: fmt.Sprintf("%d/%d", j.Attempt, j.MaxAttempts), Right: true},
			cli.Cell{Text: since(j, now)}, cli.Cell{Text: lastError(j)})
	}
	if err := call.Table(t, "no jobs"); err != nil {
		return err
	}
	if list.Next != "" {
		call.More("there are more: --cursor %s", list.Next)
	}
	return nil
}

// lastError gives the message of the last error, printable.
func lastError(j *drayhorse.Info) string {
	if len(j.Errors) == 0 {
		return ""
	}
	return printable.Text(j.Errors[len(j.Errors)-1].Message)
}

// since says when the job came to where it is, or when it leaves it.
func since(j *drayhorse.Info, now time.Time) string {
	switch {
	case !j.FinishedAt.IsZero():
		return ago(now.Sub(j.FinishedAt))
	case !j.DueAt.IsZero():
		return ago(now.Sub(j.DueAt))
	case !j.EnqueuedAt.IsZero():
		return ago(now.Sub(j.EnqueuedAt))
	}
	return ""
}

func ago(d time.Duration) string {
	if d < 0 {
		return "in " + rough(-d)
	}
	return rough(d) + " ago"
}

// rough gives a duration in its largest unit.
func rough(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

func showQueues(call *cli.Call, queues []admin.Queue) error {
	t := cli.NewTable("QUEUE", "SCHEDULED", "AVAILABLE", "PARKED", "RUNNING", "RETRYABLE", "COMPLETED", "CANCELLED", "DISCARDED", "LATENCY", "")
	for _, q := range queues {
		name := q.Name
		if q.Partitions > 1 {
			name += "/" + strconv.Itoa(q.Partitions)
		}
		row := []cli.Cell{{Text: name}}
		for _, n := range []struct {
			count  int
			colour cli.Colour
		}{
			{q.Scheduled, colours[drayhorse.Scheduled]}, {q.Available, colours[drayhorse.Available]}, {q.Parked, cli.Yellow},
			{q.Running, colours[drayhorse.Running]}, {q.Retryable, colours[drayhorse.Retryable]}, {q.Completed, colours[drayhorse.Completed]},
			{q.Cancelled, colours[drayhorse.Cancelled]}, {q.Discarded, colours[drayhorse.Discarded]},
		} {
			c := cli.Cell{Text: strconv.Itoa(n.count), Right: true, Colour: n.colour}
			if n.count == 0 {
				c.Colour = cli.Dim
			}
			row = append(row, c)
		}
		remark := cli.Cell{Colour: cli.Yellow}
		remark.Text = remarks(&q)
		if q.Problem != "" {
			remark = cli.Cell{Text: q.Problem, Colour: cli.Red}
		}
		t.Row(append(row, cli.Cell{Text: rough(q.Latency()), Right: true}, remark)...)
	}
	return call.Table(t, "no queues")
}

// remarks says what is special about a queue.
func remarks(q *admin.Queue) string {
	var all []string
	if q.Paused {
		all = append(all, "paused")
	}
	all = append(all, kindRemarks(q)...)
	if live := q.Scheduled + q.Available + q.Running + q.Retryable; q.MaxDepth > 0 && live >= q.MaxDepth {
		all = append(all, fmt.Sprintf("full: %d jobs", q.MaxDepth))
	} else if q.MaxDepth > 0 {
		all = append(all, fmt.Sprintf("%d jobs at most", q.MaxDepth))
	}
	for _, p := range drayhorse.Priorities() {
		if n := q.Priorities[p]; n > 0 {
			all = append(all, fmt.Sprintf("%d %v", n, p))
		}
	}
	if q.Grouped > 0 {
		all = append(all, fmt.Sprintf("%d in %s", q.Grouped, figures.Plural(q.Groups, "group")))
	}
	return strings.Join(all, ", ")
}

// seenJob is a job, why it waits, and what the steps of its handler have come to.
type seenJob struct {
	*drayhorse.Info

	waits string
	steps *drayhorse.JobSteps // nil: none
}

func showJob(call *cli.Call, j seenJob) error {
	f := newFields(call)
	f.add("ID", j.ID)
	f.add("Kind", j.Kind)
	f.add("Queue", j.Queue)
	f.coloured("State", string(j.State), colours[j.State])
	f.coloured("Waits", j.waits, cli.Yellow)
	if j.MaxAttempts > 0 {
		f.add("Attempt", fmt.Sprintf("%d of %d", j.Attempt, j.MaxAttempts))
	} else {
		f.add("Kept", "its ID and how it ended, for 24 h from then")
	}
	if j.Rescues > 0 {
		f.add("Rescues", strconv.Itoa(j.Rescues))
	}
	f.add("Enqueued", f.at(j.EnqueuedAt))
	f.add("Due", f.at(j.DueAt))
	f.add("Finished", f.at(j.FinishedAt))
	f.add("Tick", f.at(j.Tick))
	if p := j.Progress; p != nil {
		text := fmt.Sprintf("%.0f %%", 100*p.Fraction)
		if p.Text != "" {
			text += ", " + p.Text
		}
		f.add("Progress", text+" ("+ago(f.now.Sub(p.At))+")")
	}
	if j.Priority != drayhorse.Normal {
		f.add("Priority", j.Priority.String())
	}
	f.add("Group", j.Group)
	f.add("Tags", strings.Join(j.Tags, " "))
	f.add("Args", string(j.Args))
	showSteps(f, j.steps)
	f.add("Result", string(j.Result))
	for _, e := range j.Errors {
		f.add("Error", fmt.Sprintf("attempt %d, %s: %s", e.Attempt, f.at(e.At), e.Message))
		for line := range strings.Lines(e.Stack) {
			f.more(strings.TrimRight(line, "\n"))
		}
	}
	return f.print()
}
