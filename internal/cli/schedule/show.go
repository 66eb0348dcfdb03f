package schedule

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/duration"
	"github.com/drayhorse/drayhorse/internal/schedules"
	"github.com/drayhorse/drayhorse/scheduler"
)

func showList(call *cli.Call, all []*admin.Schedule) error {
	t := cli.NewTable("ID", "WHEN", "KIND", "QUEUE", "NEXT", "LAST", "SOURCE")
	for _, s := range all {
		next := cli.Cell{Text: stamp(s.Next)}
		switch {
		case !s.Paused.IsZero():
			next = cli.Cell{Text: "paused", Colour: cli.Yellow}
		case !s.Next.IsZero() && time.Since(s.Next) > late:
			next = cli.Cell{Text: "late " + next.Text, Colour: cli.Yellow}
		}
		t.Row(cli.Cell{Text: s.ID}, cli.Cell{Text: when(s)}, cli.Cell{Text: s.Kind}, cli.Cell{Text: s.Queue},
			next, cli.Cell{Text: stamp(s.Last)}, cli.Cell{Text: s.Source})
	}
	return call.Table(t, "no schedules")
}

// late is how far back the next tick of a schedule is that does not fire: nobody leads,
// or its queue takes no ticks.
const late = 10 * time.Second

// when says when a schedule fires, or why that cannot be said.
func when(s *admin.Schedule) string { return timetableOf(schedules.Declaration(s.Declaration)) }

func timetableOf(d schedules.Declaration) string {
	t, err := d.Timetable()
	if err != nil {
		return err.Error()
	}
	return t.String()
}

// stamp gives a time to the second, or a dash for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

func showOne(call *cli.Call, s *admin.Schedule) error {
	t := &cli.Table{}
	row := func(name, value string) {
		t.Row(cli.Cell{Text: name, Colour: cli.Bold}, cli.Cell{Text: value})
	}
	row("ID", s.ID)
	row("When", when(s))
	row("Kind", s.Kind)
	row("Args", string(s.Args))
	row("Queue", s.Queue)
	row("Max attempts", strconv.Itoa(s.MaxAttempts))
	row("Timeout", duration.Format(s.Timeout))
	row("Retain", duration.Format(s.Retain))
	if s.StartWithin > 0 {
		row("Start within", duration.Format(s.StartWithin))
	}
	if s.Priority != drayhorse.Normal {
		row("priority", s.Priority.String())
	}
	if s.Group != "" {
		row("Group", s.Group)
	}
	if len(s.Tags) > 0 {
		row("Tags", strings.Join(s.Tags, " "))
	}
	row("Jitter", duration.Format(s.Jitter))
	row("Catch up", s.CatchUp)
	row("Overlap", s.Overlap)
	row("Next", stamp(s.Next))
	row("Last", stamp(s.Last))
	row("Paused", stamp(s.Paused))
	row("Source", s.Source)
	return t.Write(call.Stdout, call.HasColour())
}

func showHistory(call *cli.Call, ticks []admin.Tick) error {
	t := cli.NewTable("TICK", "AT", "OUTCOME", "JOB", "STATE")
	for _, e := range ticks {
		outcome := e.Outcome
		if e.Count > 1 {
			outcome = fmt.Sprintf("%s %d", outcome, e.Count)
		}
		t.Row(cli.Cell{Text: stamp(e.Tick)}, cli.Cell{Text: stamp(e.At)}, cli.Cell{Text: outcome},
			cli.Cell{Text: e.JobID}, cli.Cell{Text: cmp.Or(string(e.State), e.Error)})
	}
	return call.Table(t, "no ticks")
}

func showChanges(call *cli.Call, changes []scheduler.Change) error {
	if len(changes) == 0 {
		return call.Println("nothing would change")
	}
	t := cli.NewTable("CHANGE", "ID", "BEFORE", "AFTER")
	for _, c := range changes {
		what := c.What
		switch c.What {
		case scheduler.ChangeOlder:
			what = "none: source " + c.Owner + " was declared later"
		case scheduler.ChangeLeft:
			what = "none: it may be another program's, no source is named"
		case scheduler.ChangeClash:
			what = "none: it belongs to source " + strconv.Quote(c.Owner)
		}
		before, after := Brief(&c)
		t.Row(cli.Cell{Text: what}, cli.Cell{Text: c.ID}, cli.Cell{Text: before}, cli.Cell{Text: after})
	}
	return call.Table(t, "nothing would change")
}

// Brief describes what a schedule was and will be; "" where there is none.
func Brief(c *scheduler.Change) (before, after string) {
	return brief(c.Before, c.After), brief(c.After, c.Before)
}

// brief describes a declaration, in full if the other one looks the same.
func brief(full, other json.RawMessage) string {
	if full == nil {
		return ""
	}
	if text := inWords(full); other == nil || text != inWords(other) {
		return text
	}
	return string(full)
}

func inWords(full json.RawMessage) string {
	var d schedules.Declaration
	if err := json.Unmarshal(full, &d); err != nil {
		return err.Error()
	}
	return timetableOf(d) + ", " + d.Kind
}
