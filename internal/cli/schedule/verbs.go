package schedule

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
)

// common is what all verbs can be told. The keys of the daemon may be in the same
// config file.
type common struct {
	cli.Common `yaml:",inline"`

	Metrics    string        `yaml:"metrics,omitempty"`
	Pprof      bool          `yaml:"pprof,omitempty"`
	DeclaredAt string        `yaml:"declared_at,omitempty"`
	LeaseTTL   time.Duration `yaml:"lease_ttl,omitempty"`
	Identity   string        `yaml:"identity,omitempty"`
	Source     string        `yaml:"source,omitempty"`
	Schedules  []Schedule    `yaml:"schedules,omitempty"`

	cli.Output `yaml:",inline"`
}

func defaults() common {
	c := common{Common: cli.DefaultCommon()}
	c.LogLevel = "warn" // what was done is on stdout
	return c
}

// with calls act with a connection.
func (c *common) with(call *cli.Call, act func(a *admin.Admin) error) error {
	a, err := admin.New(admin.Config{
		RedisURL: c.RedisURL.Reveal(), Namespace: c.Namespace, Logger: call.Log, Actor: cli.Actor(),
	})
	if err != nil {
		return err
	}
	defer a.Close()
	return act(a)
}

// every gives all schedules, ordered by ID.
func every(ctx context.Context, a *admin.Admin) (all []*admin.Schedule, err error) {
	for cursor := ""; ; {
		page, err := a.Schedules(ctx, cursor)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Schedules...)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	slices.SortFunc(all, func(a, b *admin.Schedule) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(all, func(a, b *admin.Schedule) bool { return a.ID == b.ID }), nil
}

// SchedulesCommand is the verbs for schedules.
func SchedulesCommand() *cobra.Command {
	return cli.Group("schedules", "Inspect and manage schedules",
		listVerb(), getVerb(), addVerb(), removeVerb(), pauseVerb(), resumeVerb(), triggerVerb(), backfillVerb(), historyVerb(), diffVerb())
}

// scheduleIDs are the schedules that there are, for shells.
func scheduleIDs(ctx context.Context, call *cli.Call, cfg *common) (ids []string, err error) {
	err = cfg.with(call, func(a *admin.Admin) error {
		all, err := every(ctx, a)
		for _, s := range all {
			ids = append(ids, s.ID)
		}
		return err
	})
	return ids, err
}

// verb makes a verb that only needs a connection.
func verb(name, short string, args []string, run func(ctx context.Context, call *cli.Call, cfg *common, a *admin.Admin) error) *cobra.Command {
	var complete cli.Names[common]
	if len(args) > 0 {
		complete = scheduleIDs
	}
	return cli.Def[common]{
		Name: name, Args: args, Short: short, Config: defaults(), Complete: complete,
		Run: func(ctx context.Context, call *cli.Call, cfg *common) error {
			return cfg.with(call, func(a *admin.Admin) error { return run(ctx, call, cfg, a) })
		},
	}.Command()
}

// listsConfig is what verbs that list something can be told.
type listsConfig struct {
	common `yaml:",inline"`

	cli.Listing `yaml:",inline"`
}

// listing makes a verb that lists something.
func listing[V any](
	name, short string, args []string, read func(ctx context.Context, call *cli.Call, a *admin.Admin) ([]V, error), show func(ctx context.Context, call *cli.Call, a *admin.Admin, all []V) error,
) *cobra.Command {
	def := cli.Def[listsConfig]{
		Name: name, Args: args, Short: short, Config: listsConfig{common: defaults()},
		Run: func(ctx context.Context, call *cli.Call, cfg *listsConfig) error {
			return cfg.with(call, func(a *admin.Admin) error {
				return cfg.Show(ctx, call, func() error {
					all, err := read(ctx, call, a)
					if err != nil {
						return err
					}
					if n := len(all); cfg.Limit > 0 && n > cfg.Limit {
						all = all[:cfg.Limit]
						call.More("%d more; want --limit 0 for all", n-cfg.Limit)
					}
					if cfg.JSON {
						return cli.PrintJSON(call.Stdout, append([]V{}, all...))
					}
					return show(ctx, call, a, all)
				})
			})
		},
	}
	if len(args) > 0 {
		def.Complete = func(ctx context.Context, call *cli.Call, cfg *listsConfig) ([]string, error) {
			return scheduleIDs(ctx, call, &cfg.common)
		}
	}
	return def.Command()
}

func listVerb() *cobra.Command {
	return listing("list", "List schedules with their next and last ticks", nil,
		func(ctx context.Context, _ *cli.Call, a *admin.Admin) ([]*admin.Schedule, error) {
			return every(ctx, a)
		},
		func(ctx context.Context, call *cli.Call, a *admin.Admin, all []*admin.Schedule) error {
			if err := showList(call, all); err != nil {
				return err
			}
			WarnUnled(ctx, call, a)
			return nil
		})
}

func getVerb() *cobra.Command {
	return verb("get", "Show all that is known of a schedule", []string{"ID"}, func(ctx context.Context, call *cli.Call, cfg *common, a *admin.Admin) error {
		s, err := a.Schedule(ctx, call.Args[0])
		if err != nil {
			return err
		}
		if cfg.JSON {
			return cli.PrintJSON(call.Stdout, s)
		}
		return showOne(call, s)
	})
}

// each makes a verb that does one thing to each of the named schedules.
func each(name, did, short string, act func(a *admin.Admin, ctx context.Context, id string) error) *cobra.Command {
	return verb(name, short, []string{"ID..."}, func(ctx context.Context, call *cli.Call, cfg *common, a *admin.Admin) error {
		for _, id := range call.Args {
			if err := act(a, ctx, id); err != nil {
				return err
			}
			if err := cfg.Done(call, did+" "+id, map[string]any{"id": id, "done": did}); err != nil {
				return err
			}
		}
		return nil
	})
}

func pauseVerb() *cobra.Command {
	return each("pause", "paused", "Stop the ticks of schedules; those that come meanwhile are not made up", (*admin.Admin).PauseSchedule)
}

func resumeVerb() *cobra.Command {
	return each("resume", "resumed", "Resume paused schedules from their next ticks", (*admin.Admin).ResumeSchedule)
}

type removeConfig struct {
	common `yaml:",inline"`

	Force bool `yaml:"-" flag:"force" usage:"also what a source declares, which would add it again when it starts"`
}

func removeVerb() *cobra.Command {
	return cli.Def[removeConfig]{
		Name: "remove", Args: []string{"ID..."},
		Short:  "Forget schedules; their jobs stay",
		Config: removeConfig{common: defaults()},
		Complete: func(ctx context.Context, call *cli.Call, cfg *removeConfig) ([]string, error) {
			return scheduleIDs(ctx, call, &cfg.common)
		},
		Run: func(ctx context.Context, call *cli.Call, cfg *removeConfig) error {
			return cfg.with(call, func(a *admin.Admin) error {
				for _, id := range call.Args {
					s, err := a.Schedule(ctx, id)
					if err != nil {
						return err
					}
					if s.Source != "" && !cfg.Force {
						return cli.Usagef("schedule %s is declared by source %s, which would add it again when it starts; want it removed there, or --force", id, s.Source)
					}
					if err := a.RemoveSchedule(ctx, id); err != nil {
						return err
					}
					if err := cfg.Done(call, "removed "+id, map[string]any{"id": id, "done": "removed"}); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}.Command()
}

func triggerVerb() *cobra.Command {
	return verb("trigger", "Enqueue a job of a schedule now, beside its ticks, and print its ID", []string{"ID"}, func(ctx context.Context, call *cli.Call, cfg *common, a *admin.Admin) error {
		queue, id, err := a.TriggerSchedule(ctx, call.Args[0])
		if err != nil {
			return err
		}
		return cfg.Done(call, id, map[string]any{"id": call.Args[0], "done": "triggered", "queue": queue, "job_id": id})
	})
}

type backfillConfig struct {
	common `yaml:",inline"`

	From *time.Time `yaml:"-" flag:"from" arg:"RFC3339" usage:"the first tick (required)"`
	To   *time.Time `yaml:"-" flag:"to" arg:"RFC3339" usage:"the last tick (required)"`
}

func backfillVerb() *cobra.Command {
	return cli.Def[backfillConfig]{
		Name: "backfill", Args: []string{"ID"},
		Short:   "Enqueue a job for each tick of a range, whether it has had one or not",
		Example: "  drayhorse schedules backfill digest-nightly --from 2030-01-01T00:00:00Z --to 2030-01-31T00:00:00Z",
		Config:  backfillConfig{common: defaults()},
		Run: func(ctx context.Context, call *cli.Call, cfg *backfillConfig) error {
			if cfg.From == nil || cfg.To == nil {
				return cli.Usagef("--from and --to are not both given; want the first and the last tick")
			}
			return cfg.with(call, func(a *admin.Admin) error {
				filled, err := a.BackfillSchedule(ctx, call.Args[0], *cfg.From, *cfg.To)
				if err != nil {
					return err
				}
				if cfg.JSON {
					return cli.PrintJSON(call.Stdout, filled)
				}
				return call.Println(fmt.Sprintf("enqueued %d, known already %d", filled.Enqueued, filled.Duplicates))
			})
		},
	}.Command()
}

func historyVerb() *cobra.Command {
	return listing("history", "List the last ticks of a schedule with their jobs, the latest first", []string{"ID"},
		func(ctx context.Context, call *cli.Call, a *admin.Admin) ([]admin.Tick, error) {
			return a.ScheduleHistory(ctx, call.Args[0])
		},
		func(_ context.Context, call *cli.Call, _ *admin.Admin, ticks []admin.Tick) error {
			return showHistory(call, ticks)
		})
}

func diffVerb() *cobra.Command {
	var cmd *cobra.Command
	cmd = cli.Def[common]{
		Name: "diff", Short: "Show what a scheduler with this config file would change when it starts", Config: defaults(),
		Run: func(ctx context.Context, call *cli.Call, cfg *common) error {
			file := configFile(cmd, call)
			if file == "" {
				return cli.Usagef("no --config is given; want the config file of the scheduler")
			}
			t := Tuning{Source: cfg.Source, DeclaredAt: cfg.DeclaredAt, LeaseTTL: cfg.LeaseTTL, Identity: cfg.Identity, Schedules: cfg.Schedules}
			if t.LeaseTTL == 0 {
				t.LeaseTTL = DefaultTuning().LeaseTTL
			}
			if err := t.Settle(); err != nil {
				return err
			}
			s, err := New(&t, cfg.Connection, call, nil, nil, file)
			if err != nil {
				return err
			}
			defer s.Close()
			changes, err := s.Diff(ctx)
			if err != nil {
				return err
			}
			if cfg.JSON {
				return cli.PrintJSON(call.Stdout, changes)
			}
			return showChanges(call, changes)
		},
	}.Command()
	return cmd
}
