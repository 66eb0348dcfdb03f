package migrate

import (
	"fmt"
	"strconv"

	"github.com/hibiken/asynq"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/drain"
)

// states are all states of tasks, in asynq's order, with what they become here.
var states = []struct {
	state   asynq.TaskState
	becomes drayhorse.State // "": they are not moved
	count   func(*asynq.QueueInfo) int
}{
	{asynq.TaskStateActive, "", func(q *asynq.QueueInfo) int { return q.Active }},
	{asynq.TaskStatePending, drayhorse.Available, func(q *asynq.QueueInfo) int { return q.Pending }},
	{asynq.TaskStateAggregating, "", func(q *asynq.QueueInfo) int { return q.Aggregating }},
	{asynq.TaskStateScheduled, drayhorse.Scheduled, func(q *asynq.QueueInfo) int { return q.Scheduled }},
	{asynq.TaskStateRetry, drayhorse.Retryable, func(q *asynq.QueueInfo) int { return q.Retry }},
	{asynq.TaskStateArchived, drayhorse.Discarded, func(q *asynq.QueueInfo) int { return q.Archived }},
	{asynq.TaskStateCompleted, "", func(q *asynq.QueueInfo) int { return q.Completed }},
}

func movable(info *asynq.QueueInfo) int {
	return info.Pending + info.Scheduled + info.Retry + info.Archived
}

// row is what became of the tasks of a queue that were in one state.
type row struct {
	Queue   string          `json:"queue"`
	To      string          `json:"to,omitempty"` // its name here, if it is another
	State   string          `json:"state"`
	Becomes drayhorse.State `json:"becomes,omitempty"`
	Found   int             `json:"found"`
	Moved   int             `json:"moved"`
	Known   int             `json:"known"` // of those, moved by a drain before this one
	Left    int             `json:"left"`
}

func rows(queues []*drain.Queue) []row {
	var all []row
	for _, q := range queues {
		for _, s := range states {
			r := row{
				Queue: q.Name, State: s.state.String(), Becomes: s.becomes, Found: s.count(q.Before),
				Moved: q.Moved[s.state] + q.Known[s.state], Known: q.Known[s.state], Left: s.count(q.After),
			}
			if q.To != q.Name {
				r.To = q.To
			}
			if r.Found+r.Moved+r.Left > 0 {
				all = append(all, r)
			}
		}
	}
	return all
}

// name is that of the queue, in asynq and here.
func (r *row) name() cli.Cell {
	if r.To != "" {
		return cli.Cell{Text: r.Queue + " -> " + r.To}
	}
	return cli.Cell{Text: r.Queue}
}

// noteSkipped says which queues are left alone, and what would move them.
func noteSkipped(call *cli.Call, skipped []string) {
	for _, name := range skipped[:min(len(skipped), maxKept)] {
		call.Notef("not moved: queue %q: names here have letters, digits and _ . : -; give it one with --rename %q", name, name+"=NEW")
	}
	if len(skipped) > maxKept {
		call.Notef("queues that are not moved for their names: %d", len(skipped))
	}
}

func (c *drainConfig) reportLook(call *cli.Call, queues []*drain.Queue, skipped []string) error {
	noteSkipped(call, skipped)
	if c.JSON {
		return cli.PrintJSON(call.Stdout, map[string]any{"tasks": rows(queues), "skipped_queues": skipped})
	}
	t := cli.NewTable("QUEUE", "STATE", "TASKS", "BECOME")
	for _, r := range rows(queues) {
		becomes := cli.Cell{Text: string(r.Becomes)}
		if r.Becomes == "" {
			becomes = cli.Cell{Text: "stay in asynq", Colour: cli.Dim}
		}
		t.Row(r.name(), cli.Cell{Text: r.State}, number(r.Found), becomes)
	}
	return t.Write(call.Stdout, call.HasColour())
}

// kept is a task that was not moved.
type kept struct {
	Queue  string `json:"queue"`
	ID     string `json:"id"`
	State  string `json:"state"`
	Reason string `json:"reason"`
}

// maxKept is how many tasks that were not moved are named to a person.
const maxKept = 20

// reportRun ends with ErrSaid if tasks or queues could not be moved.
func (c *drainConfig) reportRun(call *cli.Call, queues []*drain.Queue, skipped []string) error {
	all := []kept{}
	for _, q := range queues {
		for _, k := range q.Kept {
			all = append(all, kept{Queue: q.Name, ID: k.ID, State: k.State.String(), Reason: k.Reason})
		}
	}
	if err := c.printRun(call, queues, all, skipped); err != nil {
		return err
	}
	noteSkipped(call, skipped)
	if len(all) == 0 {
		if len(skipped) > 0 {
			return cli.ErrSaid
		}
		return nil
	}
	for _, k := range all[:min(len(all), maxKept)] {
		call.Notef("not moved: queue %s, %s task %s: %s", k.Queue, k.State, k.ID, k.Reason)
	}
	call.Notef("tasks that were not moved: %d", len(all))
	return cli.ErrSaid
}

func (c *drainConfig) printRun(call *cli.Call, queues []*drain.Queue, all []kept, skipped []string) error {
	if c.JSON {
		return cli.PrintJSON(call.Stdout, map[string]any{"tasks": rows(queues), "not_moved": all, "skipped_queues": skipped})
	}
	t := cli.NewTable("QUEUE", "STATE", "FOUND", "MOVED", "BECAME", "LEFT")
	total := row{}
	for _, r := range rows(queues) {
		t.Row(r.name(), cli.Cell{Text: r.State}, number(r.Found), number(r.Moved),
			cli.Cell{Text: string(r.Becomes)}, number(r.Left))
		total.Found, total.Moved, total.Known, total.Left = total.Found+r.Found, total.Moved+r.Moved, total.Known+r.Known, total.Left+r.Left
	}
	t.Row(cli.Cell{Text: "all", Colour: cli.Bold}, cli.Cell{}, number(total.Found), number(total.Moved), cli.Cell{}, number(total.Left))
	if err := t.Write(call.Stdout, call.HasColour()); err != nil {
		return err
	}
	if total.Known > 0 {
		return call.Println(fmt.Sprintf("of those moved, stored by a drain before this one: %d", total.Known))
	}
	return nil
}

func number(n int) cli.Cell {
	c := cli.Cell{Text: strconv.Itoa(n), Right: true}
	if n == 0 {
		c.Colour = cli.Dim
	}
	return c
}

func sum(counts map[asynq.TaskState]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}
