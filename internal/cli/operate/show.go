package operate

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
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
	if err := t.Write(call.Stdout, call.HasColour()); err != nil {
		return err
	}
	if list.Next != "" {
		_, _ = fmt.Fprintf(call.Stderr, "there are more: --cursor %s\n", list.Next)
	}
	return nil
}

// lastError gives the message of the last error, cut to fit a line.
func lastError(j *drayhorse.Info) string {
	if len(j.Errors) == 0 {
		return ""
	}
	return clip(j.Errors[len(j.Errors)-1].Message, 60)
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

func clip(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-3]) + "..."
}

func showQueues(call *cli.Call, queues []admin.Queue) error {
	t := cli.NewTable("QUEUE", "SCHEDULED", "AVAILABLE", "RUNNING", "RETRYABLE", "COMPLETED", "CANCELLED", "DISCARDED", "LATENCY", "")
	for _, q := range queues {
		name := q.Name
		if q.Partitions > 1 {
			name += "/" + strconv.Itoa(q.Partitions)
		}
		row := []cli.Cell{{Text: name}}
		for _, n := range []struct {
			count int
			state drayhorse.State
		}{
			{q.Scheduled, drayhorse.Scheduled}, {q.Available, drayhorse.Available}, {q.Running, drayhorse.Running},
			{q.Retryable, drayhorse.Retryable}, {q.Completed, drayhorse.Completed}, {q.Cancelled, drayhorse.Cancelled},
			{q.Discarded, drayhorse.Discarded},
		} {
			c := cli.Cell{Text: strconv.Itoa(n.count), Right: true, Colour: colours[n.state]}
			if n.count == 0 {
				c.Colour = cli.Dim
			}
			row = append(row, c)
		}
		paused := ""
		if q.Paused {
			paused = "paused"
		}
		row = append(row, cli.Cell{Text: rough(q.Latency()), Right: true}, cli.Cell{Text: paused, Colour: cli.Yellow})
		t.Row(row...)
	}
	return t.Write(call.Stdout, call.HasColour())
}

func showJob(call *cli.Call, j *drayhorse.Info) error {
	f := newFields(call)
	f.add("ID", j.ID)
	f.add("Kind", j.Kind)
	f.add("Queue", j.Queue)
	f.coloured("State", string(j.State), colours[j.State])
	f.add("Attempt", fmt.Sprintf("%d of %d", j.Attempt, j.MaxAttempts))
	if j.Rescues > 0 {
		f.add("Rescues", strconv.Itoa(j.Rescues))
	}
	f.add("Enqueued", f.at(j.EnqueuedAt))
	f.add("Due", f.at(j.DueAt))
	f.add("Finished", f.at(j.FinishedAt))
	f.add("Tick", f.at(j.Tick))
	f.add("Args", string(j.Args))
	f.add("Result", string(j.Result))
	for _, e := range j.Errors {
		f.add("Error", fmt.Sprintf("attempt %d, %s: %s", e.Attempt, f.at(e.At), e.Message))
		for line := range strings.Lines(e.Stack) {
			f.more(strings.TrimRight(line, "\n"))
		}
	}
	return f.print()
}
