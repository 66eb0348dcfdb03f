package operate

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
)

// JobsCommand is the verbs for jobs.
func JobsCommand() *cobra.Command {
	return cli.Group("jobs", "See and steer jobs",
		listJobs(), tailJobs(), getJob(),
		steerJobs("cancel", "cancelled", "End jobs: waiting ones never run, the contexts of running ones end", (*admin.Admin).Cancel),
		steerJobs("retry", "retried", "Run jobs now, whether they wait or have ended", (*admin.Admin).Retry),
		steerJobs("delete", "deleted", "Delete jobs that do not run, with all that is known of them", (*admin.Admin).Delete),
	)
}

type listConfig struct {
	common `yaml:",inline"`

	Queue  string `yaml:"-" flag:"queue" arg:"NAME" usage:"jobs of this queue alone"`
	State  string `yaml:"-" flag:"state" arg:"STATE" usage:"jobs in this state alone: scheduled, available, running, retryable, completed, cancelled or discarded"`
	Kind   string `yaml:"-" flag:"kind" arg:"NAME" usage:"jobs of this kind alone"`
	Limit  int    `yaml:"-" flag:"limit" arg:"N" usage:"how many"`
	Cursor string `yaml:"-" flag:"cursor" arg:"CURSOR" usage:"go on where the last list ended"`
}

func listJobs() *cobra.Command {
	return cli.Def[listConfig]{
		Name:    "list",
		Short:   "List jobs, queue by queue and state by state",
		Example: "  drayhorse jobs list --queue mail --state discarded",
		Config:  listConfig{common: defaults(), Limit: admin.DefaultLimit},
		Run: func(ctx context.Context, call *cli.Call, cfg *listConfig) error {
			if cfg.Limit < 1 {
				return cli.Usagef("--limit %d; want 1 or more", cfg.Limit)
			}
			return see(&cfg.common, call, func(a *admin.Admin) (*admin.Page, error) { return collect(ctx, a, cfg) }, showJobs)
		},
	}.Command()
}

// collect reads pages until it has as many jobs as were asked for, or all.
func collect(ctx context.Context, a *admin.Admin, cfg *listConfig) (*admin.Page, error) {
	list := &admin.Page{Jobs: []*drayhorse.Info{}, Next: cfg.Cursor}
	for {
		page, err := a.Jobs(ctx, admin.Filter{
			Queue: cfg.Queue, State: drayhorse.State(cfg.State), Kind: cfg.Kind,
			Limit: min(cfg.Limit-len(list.Jobs), admin.MaxLimit), Cursor: list.Next,
		})
		if err != nil {
			return nil, err
		}
		list.Jobs, list.Next = append(list.Jobs, page.Jobs...), page.Next
		if list.Next == "" || len(list.Jobs) >= cfg.Limit {
			return list, nil
		}
	}
}

type jobConfig struct {
	common `yaml:",inline"`

	Queue string `yaml:"-" flag:"queue" arg:"NAME" usage:"look in this queue alone (default all)"`
}

func getJob() *cobra.Command {
	return cli.Def[jobConfig]{
		Name: "get", Args: []string{"ID"},
		Short:  "Show all that is known of a job",
		Config: jobConfig{common: defaults()},
		Run: func(ctx context.Context, call *cli.Call, cfg *jobConfig) error {
			return see(&cfg.common, call, func(a *admin.Admin) (*drayhorse.Info, error) {
				return a.Get(ctx, cfg.Queue, call.Args[0])
			}, showJob)
		},
	}.Command()
}

func steerJobs(verb, done, short string, act func(a *admin.Admin, ctx context.Context, queue, id string) error) *cobra.Command {
	return cli.Def[jobConfig]{
		Name: verb, Args: []string{"ID..."},
		Short:  short,
		Config: jobConfig{common: defaults()},
		Run: func(ctx context.Context, call *cli.Call, cfg *jobConfig) error {
			return cfg.each(call, func(a *admin.Admin, id string) error {
				if err := act(a, ctx, cfg.Queue, id); err != nil {
					return err
				}
				return cfg.done(call, done+" "+id, map[string]any{"id": id, "done": done})
			})
		},
	}.Command()
}
