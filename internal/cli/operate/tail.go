package operate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/board"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/figures"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// tailPause is how long jobs tail waits while Redis is away.
const tailPause = time.Second

type tailConfig struct {
	common `yaml:",inline"`

	Queue string `yaml:"-" flag:"queue" arg:"NAME" usage:"events of this queue alone"`
	Kind  string `yaml:"-" flag:"kind" arg:"NAME" usage:"events of this kind alone"`
	Type  string `yaml:"-" flag:"type" arg:"TYPE" values:"started,completed,failed,discarded,cancelled,snoozed,limited,released,diverted,rescued,operator" usage:"events of these types alone, with commas between them: started, completed, failed, discarded, cancelled, snoozed, limited, released, diverted, rescued or operator"`
	Where string `yaml:"-" flag:"where" arg:"FILTER" usage:"events that meet all of this alone: queue:Q kind:K id:PREFIX error:TEXT"`
	After string `yaml:"-" flag:"after" arg:"ID" usage:"go on after the event of this ID, or with 0 show all that is kept first (default what is to come)"`
}

func (c *tailConfig) query() admin.EventQuery {
	q := admin.EventQuery{Queue: c.Queue, Kind: c.Kind, Where: c.Where, After: c.After}
	for name := range strings.SplitSeq(c.Type, ",") {
		if c.Type != "" {
			q.Types = append(q.Types, admin.EventType(strings.TrimSpace(name)))
		}
	}
	return q
}

// Settle is cli.Settler.
func (c *tailConfig) Settle() error {
	q := c.query()
	return q.Validate()
}

func tailJobs() *cobra.Command {
	return cli.Def[tailConfig]{
		Name:  "tail",
		Short: "Follow what happens to jobs, until Ctrl-C",
		Long: `Follow what happens to jobs, and what operators do, a line each, until Ctrl-C. With --json, a
line of JSON each.

Workers tell while somebody listens: the first line comes some seconds after the first listener.
Outages of Redis are waited out, and what happened meanwhile is shown then. Of many thousand
events a second some are left out; how many is said on stderr.`,
		Example: `  drayhorse jobs tail --queue mail --type failed,discarded
  drayhorse jobs tail --where 'kind:charge error:timeout' --json`,
		Config:        tailConfig{common: defaults()},
		CompleteFlags: ofQueue[tailConfig](),
		Run: func(ctx context.Context, call *cli.Call, cfg *tailConfig) error {
			return cfg.with(call, func(a *admin.Admin) error { return tail(ctx, a, call, cfg) })
		},
	}.Command()
}

// tail shows events until ctx ends. An outage of Redis after the first look is waited out.
func tail(ctx context.Context, a *admin.Admin, call *cli.Call, cfg *tailConfig) error {
	if cfg.Queue != "" {
		if _, err := a.Queue(ctx, cfg.Queue); err != nil {
			return err
		}
	}
	events, err := a.Events(ctx, cfg.query())
	if err != nil {
		return err
	}
	defer events.Close()
	call.Log.DebugContext(ctx, "following jobs")
	for {
		some, err := events.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, drayhorse.ErrUnavailable):
			call.Log.WarnContext(ctx, "cannot read events; trying again", slog.String(logs.Error, err.Error()))
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(tailPause):
			}
			continue
		case err != nil:
			return err
		}
		for _, event := range some {
			if err := cfg.show(call, event); err != nil {
				return err
			}
		}
	}
}

func (c *tailConfig) show(call *cli.Call, e *admin.Event) error {
	if c.JSON {
		return cli.PrintJSONLine(call.Stdout, e)
	}
	if e.Type == admin.EventMissed {
		call.Notef("%s", board.Missed(e))
		return nil
	}
	kind := cli.Paint(printable.Text(fmt.Sprintf("%-9s", e.Type)), eventColours[e.Type], call.HasColour())
	return call.Print(e.At.Local().Format("15:04:05.000") + "  " + kind + "  " + printable.Text(strings.Join(told(e), "  ")) + "\n")
}

var eventColours = map[admin.EventType]cli.Colour{
	admin.EventStarted: cli.Cyan, admin.EventCompleted: cli.Green, admin.EventFailed: cli.Yellow, admin.EventDiscarded: cli.Red,
	admin.EventCancelled: cli.Dim, admin.EventRescued: cli.Red, admin.EventOperator: cli.Blue,
}

// told gives the words of a line about an event.
func told(e *admin.Event) (words []string) {
	add := func(text string, there bool) {
		if there {
			words = append(words, text)
		}
	}
	add(e.Act, e.Act != "")
	add(e.Queue, e.Queue != "")
	add(e.Kind, e.Kind != "")
	add(e.JobID, e.JobID != "")
	add(e.On, e.On != "")
	add(fmt.Sprintf("%d/%d", e.Attempt, e.Most), e.Attempt > 0 && e.Most > 0)
	add("waited "+figures.Took(e.Waited), e.Type == admin.EventStarted && e.Attempt == 1)
	add(figures.Took(e.Ran), e.Ran > 0)
	add("again in "+figures.Took(e.Delay), e.Delay > 0)
	add(figures.Plural(e.Count, "job"), e.Count > 0)
	add(e.Error, e.Error != "")
	add("by "+e.By, e.By != "")
	add(e.Why, e.Why != "")
	return words
}
