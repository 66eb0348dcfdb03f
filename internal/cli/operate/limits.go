package operate

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// LimitsCommand is the verbs for limits.
func LimitsCommand() *cobra.Command {
	return cli.Group("limits", "Inspect and manage limits of rate and concurrency", listLimits(), setLimit(), closeBreaker(), removeLimit())
}

// limitJSON is a limit for programs.
type limitJSON struct {
	Name        string    `json:"name"`
	Queue       string    `json:"queue"` // empty: all
	Shared      bool      `json:"shared,omitzero"`
	Kind        string    `json:"kind,omitempty"`
	PerGroup    bool      `json:"per_group,omitzero"`
	Concurrency int       `json:"concurrency,omitzero"`
	Rate        string    `json:"rate,omitempty"`
	Burst       int       `json:"burst,omitzero"`
	Breaker     string    `json:"breaker,omitempty"`
	Running     int       `json:"running,omitzero"`
	Waiting     int       `json:"waiting,omitzero"`
	Shut        bool      `json:"shut,omitzero"`
	ShutUntil   time.Time `json:"shut_until,omitzero"`
	State       string    `json:"breaker_state,omitempty"`
	OpenUntil   time.Time `json:"open_until,omitzero"`
	Source      string    `json:"source"`
	Version     int64     `json:"version"`
	At          time.Time `json:"at"`
	By          string    `json:"by,omitempty"`
	Why         string    `json:"why,omitempty"`
}

// shut says in words whether it lets no job start.
func (l *limitJSON) shut() string {
	switch {
	case !l.Shut:
		return ""
	case l.ShutUntil.IsZero():
		return "until one ends"
	}
	return "for " + rough(max(time.Until(l.ShutUntil), 0))
}

func listLimits() *cobra.Command {
	return listing("List limits",
		func(ctx context.Context, a *admin.Admin) ([]limitJSON, error) {
			all, err := a.Limits(ctx)
			list := make([]limitJSON, len(all))
			for i, l := range all {
				source := map[bool]string{true: "operator", false: "worker"}[l.Operator]
				list[i] = limitJSON{l.Name, l.Queue, l.Shared, l.Kind, l.PerGroup, l.Concurrency, l.Rate.String(), l.Rate.Burst, l.Breaker.String(),
					l.Running, l.Waiting, l.Shut, l.ShutUntil, string(l.State), l.OpenUntil, source, l.Version, l.At, l.By, l.Why}
			}
			return list, err
		},
		func(call *cli.Call, list []limitJSON) error {
			t := cli.NewTable("LIMIT", "QUEUE", "KIND", "PER", "AT ONCE", "RATE", "BURST", "BREAKER", "RUNNING", "WAITING", "SHUT", "SET BY", "VERSION", "CHANGED", "WHY")
			some := func(n int) string {
				if n == 0 {
					return ""
				}
				return strconv.Itoa(n)
			}
			per := func(group bool) string { return map[bool]string{true: "group"}[group] }
			for _, l := range list {
				by := l.Source
				if l.By != "" {
					by += " " + printable.Text(l.By)
				}
				t.Row(cli.Cell{Text: l.Name}, cli.Cell{Text: cmp.Or(l.Queue, "(all)")}, cli.Cell{Text: l.Kind}, cli.Cell{Text: per(l.PerGroup)}, cli.Cell{Text: some(l.Concurrency), Right: true}, cli.Cell{Text: l.Rate},
					cli.Cell{Text: some(l.Burst), Right: true}, cli.Cell{Text: l.State}, cli.Cell{Text: some(l.Running), Right: true}, cli.Cell{Text: some(l.Waiting), Right: true}, cli.Cell{Text: l.shut()}, cli.Cell{Text: by}, cli.Cell{Text: strconv.FormatInt(l.Version, 10), Right: true},
					cli.Cell{Text: ago(time.Since(l.At))}, cli.Cell{Text: printable.Text(l.Why)})
			}
			return call.Table(t, "no limits")
		})
}

type limitConfig struct {
	common `yaml:",inline"`

	Queue       string   `yaml:"-" flag:"queue" arg:"NAME" usage:"queue whose jobs it is for (default: all queues, with --kind)"`
	Kind        string   `yaml:"-" flag:"kind" arg:"KIND" usage:"of its jobs, those of this kind alone"`
	PerGroup    bool     `yaml:"-" flag:"per-group" usage:"for the jobs of each group by themselves"`
	Concurrency int      `yaml:"-" flag:"concurrency" arg:"N" usage:"how many of them run at once"`
	Rate        cli.Rate `yaml:"-" flag:"rate" arg:"N/TIME" usage:"how many start in a time, evenly spread, as in 100/1m"`
	Burst       int      `yaml:"-" flag:"burst" arg:"N" usage:"how many start at once after a quiet time (default 1)"`
	Breaker     float64  `yaml:"-" flag:"breaker" arg:"SHARE" usage:"share of jobs that fail from which on none starts for a while, as 0.5"`
	Min         int      `yaml:"-" flag:"breaker-min" arg:"N" usage:"how many jobs must have ended for that (default 10)"`
	Reason      string   `yaml:"-" flag:"reason" arg:"TEXT" usage:"why, for those who look at it later"`

	Window   time.Duration `yaml:"-" flag:"breaker-window" usage:"time in which they are counted (default 1m)"`
	CoolDown time.Duration `yaml:"-" flag:"cool-down" usage:"for how long none starts (default 30s)"`
	Probes   int           `yaml:"-" flag:"probes" arg:"N" usage:"how many jobs are tried then (default 1)"`
}

// breaker is that of the flags.
func (c *limitConfig) breaker() drayhorse.Breaker {
	b := drayhorse.Breaker{Rate: c.Breaker, Min: c.Min, Window: c.Window, CoolDown: c.CoolDown, Probes: c.Probes}
	if c.Breaker != 0 {
		b.Window, b.CoolDown = cmp.Or(b.Window, time.Minute), cmp.Or(b.CoolDown, 30*time.Second)
	}
	return b
}

func setLimit() *cobra.Command {
	return cli.Def[limitConfig]{
		Name: "set", Args: []string{"NAME"},
		Short: "Set a limit, for all workers and at once",
		Long: `Set a limit, for all workers and at once: how many jobs of a queue, of one kind in it
or of each group run at once, how often they start, and whether any starts while too many
fail. Without --queue it is for the jobs of a kind in all queues. What runs goes on, and a
breaker that was open is closed. Workers that declare a limit of that name do not change it
until it is removed. The queue must be known: queues create makes one before its first job.`,
		Example: `  drayhorse limits set smtp --queue mail --rate 100/1m --burst 20 --concurrency 5 --reason "their new quota"
  drayhorse limits set exports --queue reports --kind export --per-group --concurrency 3
  drayhorse limits set stripe --kind charge --rate 100/1m --burst 20 --reason "their quota"
  drayhorse limits set payments --queue pay --kind charge --breaker 0.5 --breaker-window 1m --cool-down 30s --probes 3`,
		Config: limitConfig{common: defaults()}, CompleteFlags: ofQueue[limitConfig](),
		Run: func(ctx context.Context, call *cli.Call, cfg *limitConfig) error {
			limit := drayhorse.Limit{Name: call.Args[0], Queue: cfg.Queue, Kind: cfg.Kind, PerGroup: cfg.PerGroup, Concurrency: cfg.Concurrency, Rate: drayhorse.Rate(cfg.Rate)}
			switch {
			case cfg.Queue == "" && cfg.Kind == "":
				return cli.Usagef("no --queue is given; want the queue whose jobs it is for, or --kind for those of a kind in all queues")
			case cfg.Burst != 0 && limit.Rate == drayhorse.Rate{}:
				return cli.Usagef("--burst without --rate; want both, or --concurrency alone")
			}
			limit.Rate.Burst = cfg.Burst
			if limit.Breaker = cfg.breaker(); cfg.Breaker == 0 && limit.Breaker != (drayhorse.Breaker{}) {
				return cli.Usagef("--breaker-min, --breaker-window, --cool-down or --probes without --breaker; want that too, as in --breaker 0.5")
			}
			if err := limit.Validate(); err != nil {
				return err
			}
			return cfg.with(call, func(a *admin.Admin) error {
				of := "all queues"
				if limit.Queue != "" {
					if _, err := a.Queue(ctx, limit.Queue); err != nil { // a name that was mistyped makes no queue
						return err
					}
					of = "queue " + limit.Queue
				}
				if err := a.SetLimit(ctx, limit, cfg.Reason); err != nil {
					return err
				}
				return cfg.Done(call, "set limit "+limit.Name+" of "+of, map[string]any{"limit": limit.Name, "queue": limit.Queue, "done": "set"})
			})
		},
	}.Command()
}

// limitNames completes the name of a limit.
func limitNames(ctx context.Context, call *cli.Call, cfg *reasonConfig) (names []string, err error) {
	err = cfg.with(call, func(a *admin.Admin) error {
		all, err := a.Limits(ctx)
		for _, l := range all {
			names = append(names, l.Name)
		}
		return err
	})
	return names, err
}

type reasonConfig struct {
	common `yaml:",inline"`

	Reason string `yaml:"-" flag:"reason" arg:"TEXT" usage:"why, for the log"`
}

func closeBreaker() *cobra.Command {
	return limitVerb("close-breaker", "Close breakers of limits before their cool-down is over: jobs start at once", "closed", "closed the breaker of limit ", (*admin.Admin).CloseBreaker)
}

func removeLimit() *cobra.Command {
	return limitVerb("remove", "Remove limits; a worker that declares one does so again when it starts", "removed", "removed limit ", (*admin.Admin).RemoveLimit)
}

// limitVerb makes a verb for limits; says stands before the name of each of which it was done.
func limitVerb(name, short, done, says string, do func(a *admin.Admin, ctx context.Context, limit, why string) error) *cobra.Command {
	return cli.Def[reasonConfig]{
		Name: name, Args: []string{"NAME..."}, Short: short, Config: reasonConfig{common: defaults()}, Complete: limitNames,
		Example: "  drayhorse limits " + name + " stripe --reason TEXT",
		Run: func(ctx context.Context, call *cli.Call, cfg *reasonConfig) error {
			return cfg.each(call, func(a *admin.Admin, limit string) error {
				if err := do(a, ctx, limit, cfg.Reason); err != nil {
					return err
				}
				return cfg.Done(call, says+limit, map[string]any{"limit": limit, "done": done})
			})
		},
	}.Command()
}
