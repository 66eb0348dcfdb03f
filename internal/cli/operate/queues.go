package operate

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
)

// QueuesCommand is the verbs for queues.
func QueuesCommand() *cobra.Command {
	return cli.Group("queues", "See and steer queues",
		listQueues(), createQueue(),
		switchQueue("pause", "paused", "Stop claims from a queue; jobs that run go on", (*admin.Admin).Pause),
		switchQueue("resume", "resumed", "Let claims from a queue go on", (*admin.Admin).Resume),
		purgeQueue(), resyncQueue(),
	)
}

func listQueues() *cobra.Command {
	return seeing("list", "List queues with their jobs by state",
		func(ctx context.Context, a *admin.Admin, _ []string) ([]admin.Queue, error) { return a.Queues(ctx) }, showQueues)
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
				return cfg.done(call, fmt.Sprintf("created queue %s, partitions: %d", q.Name, q.Partitions),
					map[string]any{"queue": q.Name, "done": "created", "partitions": q.Partitions})
			})
		},
	}.Command()
}

func switchQueue(verb, done, short string, act func(a *admin.Admin, ctx context.Context, queue string) error) *cobra.Command {
	return cli.Def[common]{
		Name: verb, Args: []string{"NAME..."},
		Short:  short,
		Config: defaults(),
		Run: func(ctx context.Context, call *cli.Call, cfg *common) error {
			return cfg.each(call, func(a *admin.Admin, queue string) error {
				if err := act(a, ctx, queue); err != nil {
					return err
				}
				return cfg.done(call, done+" queue "+queue, map[string]any{"queue": queue, "done": done})
			})
		},
	}.Command()
}

type purgeConfig struct {
	common `yaml:",inline"`

	State string `yaml:"-" flag:"state" arg:"STATE" usage:"which jobs: scheduled, available, retryable, completed, cancelled or discarded (required)"`
}

func purgeQueue() *cobra.Command {
	return cli.Def[purgeConfig]{
		Name: "purge", Args: []string{"NAME"},
		Short:   "Delete all jobs of a queue in a state",
		Example: "  drayhorse queues purge mail --state discarded",
		Config:  purgeConfig{common: defaults()},
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
		Short:  "Put jobs that are in no line back in theirs, after damage to the data in Redis",
		Config: defaults(),
		Run: func(ctx context.Context, call *cli.Call, cfg *common) error {
			return cfg.with(call, func(a *admin.Admin) error {
				n, err := a.Resync(ctx, call.Args[0])
				return cfg.counted(call, "resynced", n, err)
			})
		},
	}.Command()
}

// counted says how many jobs of the queue something was done to, also where it
// failed then.
func (c *common) counted(call *cli.Call, done string, n int, err error) error {
	if err != nil && n == 0 {
		return err
	}
	queue := call.Args[0]
	said := c.done(call, fmt.Sprintf("%s %d jobs of queue %s", done, n, queue), map[string]any{"queue": queue, "done": done, "jobs": n})
	if err != nil {
		return err
	}
	return said
}
