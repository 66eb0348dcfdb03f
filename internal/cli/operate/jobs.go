package operate

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
)

// JobsCommand is the verbs for jobs.
func JobsCommand() *cobra.Command {
	return cli.Group("jobs", "Inspect and manage jobs",
		listJobs(), tailJobs(), getJob(), explainJob(), waitJob(), jobLogs(), signalJob(), editJob(), cloneJob(),
		steerJobs("cancelled", "End jobs: waiting ones never run, the contexts of running ones end", admin.VerbCancel, (*admin.Admin).Cancel),
		steerJobs("retried", "Run jobs now, whether they wait or have ended", admin.VerbRetry, (*admin.Admin).Retry),
		steerJobs("deleted", "Delete jobs that do not run, with all that is known of them", admin.VerbDelete, (*admin.Admin).Delete),
	)
}

type listConfig struct {
	common `yaml:",inline"`

	cli.Watching `yaml:",inline"`

	Queue  string `yaml:"-" flag:"queue" arg:"NAME" usage:"jobs of this queue alone"`
	State  string `yaml:"-" flag:"state" arg:"STATE" values:"scheduled,available,running,retryable,completed,cancelled,discarded" usage:"jobs in this state alone: scheduled, available, running, retryable, completed, cancelled or discarded"`
	Kind   string `yaml:"-" flag:"kind" arg:"NAME" usage:"jobs of this kind alone"`
	Where  string `yaml:"-" flag:"where" arg:"FILTER" usage:"jobs that meet all of this alone: state:S queue:Q kind:K id:PREFIX tag:T args.PATH:V error:TEXT worker:ID before:2h after:3d, or a text"`
	Limit  int    `yaml:"-" flag:"limit" short:"n" arg:"N" usage:"how many"`
	Cursor string `yaml:"-" flag:"cursor" arg:"CURSOR" usage:"go on where the last list ended"`
}

func listJobs() *cobra.Command {
	return cli.Def[listConfig]{
		Name:  "list",
		Short: "List jobs, queue by queue and state by state",
		Example: `  drayhorse jobs list --queue mail --state discarded
  drayhorse jobs list --where 'state:discarded error:"connection refused" after:1d'`,
		Config:        listConfig{common: defaults(), Limit: admin.DefaultLimit},
		CompleteFlags: ofJobs[listConfig](),
		Run: func(ctx context.Context, call *cli.Call, cfg *listConfig) error {
			if cfg.Limit < 1 {
				return cli.Usagef("--limit %d; want 1 or more", cfg.Limit)
			}
			return watch(ctx, &cfg.common, &cfg.Watching, call, func(a *admin.Admin) (*admin.Page, error) { return collect(ctx, a, cfg) }, showJobs)
		},
	}.Command()
}

// collect reads pages until it has as many jobs as were asked for, or all.
func collect(ctx context.Context, a *admin.Admin, cfg *listConfig) (*admin.Page, error) {
	list := &admin.Page{Jobs: []*drayhorse.Info{}, Next: cfg.Cursor}
	for {
		page, err := a.Jobs(ctx, admin.Filter{
			Queue: cfg.Queue, State: drayhorse.State(cfg.State), Kind: cfg.Kind, Where: cfg.Where,
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
		Short:         "Show all that is known of a job",
		Config:        jobConfig{common: defaults()},
		CompleteFlags: ofQueue[jobConfig](),
		Run: func(ctx context.Context, call *cli.Call, cfg *jobConfig) error {
			return see(&cfg.common, call, func(a *admin.Admin) (seenJob, error) {
				job := seenJob{}
				err := onJob(ctx, a, cfg.Queue, call.Args[0], func(queue, id string) (err error) {
					job.Info, err = a.Get(ctx, queue, id)
					return err
				})
				if err != nil {
					return seenJob{}, err
				}
				if job.steps, err = a.Steps(ctx, job.Queue, job.ID); err != nil && !errors.Is(err, drayhorse.ErrNotFound) {
					return seenJob{}, err // one that is gone by now has no steps
				}
				if !cfg.JSON {
					job.waits = holds(ctx, a, job.Info)
				}
				return job, nil
			}, showJob)
		},
	}.Command()
}

func steerJobs(done, short string, verb admin.Verb, act func(a *admin.Admin, ctx context.Context, queue, id string) error) *cobra.Command {
	return cli.Def[steerConfig]{
		Name: string(verb), Args: []string{"[ID...]"},
		Short:         short,
		Long:          short + ".\n\n" + onAllHelp,
		Example:       fmt.Sprintf("  drayhorse jobs %s --where 'queue:mail error:\"connection refused\" after:1d' --reason 'the relay is back'", verb),
		Config:        steerConfig{common: defaults()},
		CompleteFlags: ofJobs[steerConfig](),
		Run: func(ctx context.Context, call *cli.Call, cfg *steerConfig) error {
			if all, err := cfg.onAll(call, verb); all || err != nil {
				if err != nil {
					return err
				}
				return actOnAll(ctx, call, cfg, verb, done)
			}
			return cfg.each(call, func(a *admin.Admin, id string) error {
				err := onJob(ctx, a, cfg.Queue, id, func(queue, whole string) error {
					id = whole
					return act(a, ctx, queue, whole)
				})
				if ended, ok := errors.AsType[*drayhorse.EndedError](err); ok { // nothing is left to be done
					return cfg.Done(call, ended.Error(), map[string]any{"id": id, "done": string(ended.State) + " already"})
				}
				if err != nil {
					return err
				}
				return cfg.Done(call, done+" "+id, map[string]any{"id": id, "done": done})
			})
		},
	}.Command()
}
