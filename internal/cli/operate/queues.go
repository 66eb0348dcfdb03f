package operate

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// QueuesCommand is the verbs for queues.
func QueuesCommand() *cobra.Command {
	return cli.Group("queues", "Inspect and manage queues",
		listQueues(), createQueue(), setQueue(),
		switchQueue("pause", "paused", "Pause queues: their jobs wait, and jobs that run go on", (*admin.Admin).Pause),
		switchQueue("resume", "resumed", "Resume paused queues", (*admin.Admin).Resume),
		purgeQueue(), resyncQueue(), deleteQueue(),
	)
}

func listQueues() *cobra.Command {
	return listing("List queues with their jobs by state",
		func(ctx context.Context, a *admin.Admin) ([]admin.Queue, error) { return a.Queues(ctx) }, showQueues)
}

type createConfig struct {
	common `yaml:",inline"`

	Partitions int `yaml:"-" flag:"partitions" arg:"N" usage:"over how many parts it is spread; fixed from then on"`
}

func createQueue() *cobra.Command {
	return cli.Def[createConfig]{
		Name: "create", Args: []string{"NAME"},
		Short: "Create a queue of several partitions",
		Long: `Create a queue of several partitions, which spread it over the nodes of a Cluster.
A queue of one partition needs no creating: the first job does it.`,
		Config: createConfig{common: defaults(), Partitions: 1},
		Run: func(ctx context.Context, call *cli.Call, cfg *createConfig) error {
			return cfg.with(call, func(a *admin.Admin) error {
				q, err := a.CreateQueue(ctx, call.Args[0], cfg.Partitions)
				if err != nil {
					return err
				}
				return cfg.Done(call, fmt.Sprintf("created queue %s, partitions: %d", q.Name, q.Partitions),
					map[string]any{"queue": q.Name, "done": "created", "partitions": q.Partitions})
			})
		},
	}.Command()
}

type setConfig struct {
	common `yaml:",inline"`

	MaxDepth *int `yaml:"-" flag:"max-depth" arg:"N" usage:"jobs that wait or run that it may have, from which on no more are stored; 0: any number"`
}

func setQueue() *cobra.Command {
	return cli.Def[setConfig]{
		Name: "set", Args: []string{"NAME"},
		Short: "Set what a queue may hold",
		Long: `Set what a queue may hold. With --max-depth, no job is stored while so many wait or
run; what is there stays. Of several partitions each has an equal part of it.`,
		Example:  "  drayhorse queues set mail --max-depth 100000",
		Config:   setConfig{common: defaults()},
		Complete: queueNames[setConfig],
		Run: func(ctx context.Context, call *cli.Call, cfg *setConfig) error {
			if cfg.MaxDepth == nil {
				return cli.Usagef("nothing is given to set; want --max-depth N, with 0 for any number")
			}
			if n := *cfg.MaxDepth; n < 0 || n > jobs.MaxDepth {
				return cli.Usagef("--max-depth %d; want 1 to %d, or 0 for any number", n, jobs.MaxDepth)
			}
			return cfg.with(call, func(a *admin.Admin) error {
				queue := call.Args[0]
				if err := a.SetMaxDepth(ctx, queue, *cfg.MaxDepth); err != nil {
					return err
				}
				text := fmt.Sprintf("set the maximum depth of queue %s to %d", queue, *cfg.MaxDepth)
				if *cfg.MaxDepth == 0 {
					text = "took the maximum depth of queue " + queue + " away"
				}
				return cfg.Done(call, text, map[string]any{"queue": queue, "done": "set", "max_depth": *cfg.MaxDepth})
			})
		},
	}.Command()
}

type purgeConfig struct {
	common `yaml:",inline"`

	State string `yaml:"-" flag:"state" arg:"STATE" values:"scheduled,available,retryable,completed,cancelled,discarded" usage:"which jobs: scheduled, available, retryable, completed, cancelled or discarded (required)"`
}

func purgeQueue() *cobra.Command {
	return cli.Def[purgeConfig]{
		Name: "purge", Args: []string{"NAME"},
		Short:    "Delete all jobs of a queue in a state",
		Example:  "  drayhorse queues purge mail --state discarded",
		Config:   purgeConfig{common: defaults()},
		Complete: queueNames[purgeConfig],
		Run: func(ctx context.Context, call *cli.Call, cfg *purgeConfig) error {
			if cfg.State == "" {
				return cli.Usagef("no --state is given; want the state of the jobs to delete")
			}
			return cfg.with(call, func(a *admin.Admin) error {
				n, err := a.Purge(ctx, call.Args[0], drayhorse.State(cfg.State))
				return cfg.counted(call, "purged", n, err)
			})
		},
	}.Command()
}

func resyncQueue() *cobra.Command {
	return cli.Def[common]{
		Name: "resync", Args: []string{"NAME"},
		Short:    "Repair a queue after its data in Redis was damaged",
		Config:   defaults(),
		Complete: queueNames[common],
		Run: func(ctx context.Context, call *cli.Call, cfg *common) error {
			return cfg.with(call, func(a *admin.Admin) error {
				n, err := a.Resync(ctx, call.Args[0])
				return cfg.counted(call, "resynced", n, err)
			})
		},
	}.Command()
}

type deleteConfig struct {
	common `yaml:",inline"`

	Force bool `yaml:"-" flag:"force" usage:"also with live jobs, which are lost"`
}

func deleteQueue() *cobra.Command {
	return cli.Def[deleteConfig]{
		Name: "delete", Args: []string{"NAME..."},
		Short: "Delete queues, with their ended jobs and all else that is known of them",
		Long: `Delete queues, with their ended jobs and all else that is known of them.
A queue with live jobs, which are those that wait or run, is left as it is unless --force
is given. Programs that know the queue forget it within a minute; the next job that is
enqueued creates it again.`,
		Example:  "  drayhorse queues delete mail",
		Config:   deleteConfig{common: defaults()},
		Complete: queueNames[deleteConfig],
		Run: func(ctx context.Context, call *cli.Call, cfg *deleteConfig) error {
			return cfg.with(call, func(a *admin.Admin) error {
				deleted, err := a.DeleteQueues(ctx, cfg.Force, call.Args...)
				if err != nil {
					return err
				}
				var failed []error
				for _, d := range deleted {
					if d.Err != nil {
						failed = append(failed, refused(d.Err))
						continue
					}
					if err := cfg.Done(call, deletedText(d), map[string]any{"queue": d.Name, "done": "deleted", "jobs": d.Jobs}); err != nil {
						return err
					}
				}
				return errors.Join(failed...)
			})
		},
	}.Command()
}

// refused says why a queue was not deleted, and what would do it.
func refused(err error) error {
	if errors.Is(err, drayhorse.ErrNotEmpty) {
		return fmt.Errorf("%w; to delete it with them, give --force", err)
	}
	return err
}

func deletedText(d admin.DeletedQueue) string {
	if d.Jobs == 0 {
		return "deleted queue " + d.Name
	}
	return fmt.Sprintf("deleted queue %s with %d live jobs", d.Name, d.Jobs)
}

// counted says how many jobs of the queue something was done to, also where it
// failed then.
func (c *common) counted(call *cli.Call, done string, n int, err error) error {
	if err != nil && n == 0 {
		return err
	}
	queue := call.Args[0]
	said := c.Done(call, fmt.Sprintf("%s %d jobs of queue %s", done, n, queue), map[string]any{"queue": queue, "done": done, "jobs": n})
	if err != nil {
		return err
	}
	return said
}
