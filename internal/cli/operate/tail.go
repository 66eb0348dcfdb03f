package operate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/printable"
)

const (
	// tailEvery is how often jobs tail looks.
	tailEvery = time.Second
	// tailMost is how many jobs of a state it looks up at once in each partition.
	tailMost = 100
	// tailOverlap is by how much two looks overlap, so that nodes of a Cluster may
	// disagree on the time.
	tailOverlap = 2 * time.Second
)

type tailConfig struct {
	common `yaml:",inline"`

	Queue string `yaml:"-" flag:"queue" arg:"NAME" usage:"jobs of this queue alone"`
	State string `yaml:"-" flag:"state" arg:"STATE" values:"completed,cancelled,discarded" usage:"jobs that end in this state alone: completed, cancelled or discarded"`
	Kind  string `yaml:"-" flag:"kind" arg:"NAME" usage:"jobs of this kind alone"`
}

// Settle is cli.Settler.
func (c *tailConfig) Settle() error {
	if c.State != "" && !slices.Contains(endStates(), drayhorse.State(c.State)) {
		return cli.Usagef("state %q; want %s", c.State, jobs.Either(endStates()))
	}
	filter := admin.Filter{Queue: c.Queue, Kind: c.Kind}
	return filter.Validate()
}

// states are those that it follows.
func (c *tailConfig) states() []drayhorse.State {
	if c.State != "" {
		return []drayhorse.State{drayhorse.State(c.State)}
	}
	return endStates()
}

func endStates() []drayhorse.State {
	return []drayhorse.State{drayhorse.Completed, drayhorse.Cancelled, drayhorse.Discarded}
}

func tailJobs() *cobra.Command {
	return cli.Def[tailConfig]{
		Name:  "tail",
		Short: "Follow jobs as they end, until Ctrl-C",
		Long: `Follow jobs as they end, a line each, until Ctrl-C. With --json, a line of JSON each.

It looks every second at what has been kept since the last look. A completed job that
was not enqueued with --retain is not kept, so it cannot be shown; and of one state at
most 100 jobs a second are shown in each partition of a queue, those that are kept
longest. How many others ended is said on stderr.`,
		Example:       "  drayhorse jobs tail --queue mail --state discarded",
		Config:        tailConfig{common: defaults()},
		CompleteFlags: ofQueue[tailConfig](),
		Run: func(ctx context.Context, call *cli.Call, cfg *tailConfig) error {
			return cfg.with(call, func(a *admin.Admin) error {
				t := &tail{admin: a, call: call, cfg: cfg, last: map[string]*admin.Queue{}, shown: map[ending]bool{}, ahead: map[place]int{}}
				return t.run(ctx)
			})
		},
	}.Command()
}

// tail is what jobs tail remembers.
type tail struct {
	admin *admin.Admin
	call  *cli.Call
	cfg   *tailConfig
	last  map[string]*admin.Queue // as the last look saw them
	shown map[ending]bool         // of the last few looks
	ahead map[place]int           // shown already, and not yet among the totals
}

// ending is the end of a job. One that was retried may end again.
type ending struct {
	queue, id string
	at        time.Time
}

// place is where jobs end.
type place struct {
	queue string
	state drayhorse.State
}

// run looks until ctx ends. An outage of Redis after the first look is waited out.
func (t *tail) run(ctx context.Context) error {
	err := t.begin(ctx)
	t.call.Log.DebugContext(ctx, "following jobs")
	ticker := time.NewTicker(tailEvery)
	defer ticker.Stop()
	for err == nil {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err = t.look(ctx); errors.Is(err, drayhorse.ErrUnavailable) && ctx.Err() == nil {
			t.call.Log.WarnContext(ctx, "cannot read queues; trying again", slog.String(logs.Error, err.Error()))
			err = nil
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// begin takes note of what has ended before.
func (t *tail) begin(ctx context.Context) error {
	queues, err := t.queues(ctx)
	if err != nil {
		return err
	}
	for _, q := range queues {
		t.last[q.Name] = &q
		for _, state := range t.cfg.states() {
			infos, err := t.admin.Latest(ctx, q.Name, state, tailMost)
			if err != nil {
				return err
			}
			for _, info := range infos {
				if info.FinishedAt.Before(q.Now) {
					t.shown[ending{q.Name, info.ID, info.FinishedAt}] = true
				}
			}
		}
	}
	return nil
}

func (t *tail) queues(ctx context.Context) ([]admin.Queue, error) {
	if t.cfg.Queue == "" {
		return t.admin.Queues(ctx)
	}
	q, err := t.admin.Queue(ctx, t.cfg.Queue)
	if err != nil {
		return nil, err
	}
	return []admin.Queue{*q}, nil
}

// look shows what has ended since the last look.
func (t *tail) look(ctx context.Context) error {
	queues, err := t.queues(ctx)
	if err != nil {
		return err
	}
	for _, q := range queues {
		last := t.last[q.Name]
		if last == nil { // it is new
			last = &admin.Queue{Name: q.Name, Now: q.Now.Add(-tailEvery)}
		}
		for _, state := range t.cfg.states() {
			ended := q.Totals[string(state)] - last.Totals[string(state)]
			if err := t.show(ctx, place{q.Name, state}, int(ended), last.Now.Add(-tailOverlap)); err != nil {
				return err
			}
		}
		t.last[q.Name] = &q
		maps.DeleteFunc(t.shown, func(e ending, _ bool) bool {
			return e.queue == q.Name && e.at.Before(last.Now.Add(-tailOverlap))
		})
	}
	return nil
}

// show shows what ended in a place after a time, ended jobs by the totals.
func (t *tail) show(ctx context.Context, p place, ended int, after time.Time) error {
	if ended <= 0 { // or the data is new
		return nil
	}
	infos, err := t.admin.Latest(ctx, p.queue, p.state, min(ended, tailMost))
	if err != nil {
		return err
	}
	slices.SortFunc(infos, func(a, b *drayhorse.Info) int { return a.FinishedAt.Compare(b.FinishedAt) })
	missing := ended - t.ahead[p]
	for _, info := range infos {
		e := ending{p.queue, info.ID, info.FinishedAt}
		if info.FinishedAt.Before(after) || t.shown[e] {
			continue
		}
		t.shown[e] = true
		missing--
		if t.cfg.Kind != "" && info.Kind != t.cfg.Kind {
			continue
		}
		if err := t.line(info); err != nil {
			return err
		}
	}
	t.ahead[p] = max(-missing, 0)
	if missing > 0 {
		t.call.Notef("queue %s: %d more %s, not shown", p.queue, missing, p.state)
	}
	return nil
}

func (t *tail) line(info *drayhorse.Info) error {
	if t.cfg.JSON {
		return cli.PrintJSONLine(t.call.Stdout, info)
	}
	state := cli.Paint(printable.Text(fmt.Sprintf("%-9s", info.State)), colours[info.State], t.call.HasColour())
	rest := fmt.Sprintf("%s  %s  %s  %d/%d", info.Queue, info.Kind, info.ID, info.Attempt, info.MaxAttempts)
	if message := lastError(info); message != "" {
		rest += "  " + message
	}
	return t.call.Print(info.FinishedAt.Local().Format(time.TimeOnly) + "  " + state + "  " + printable.Text(rest) + "\n")
}
