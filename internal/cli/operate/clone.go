package operate

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
)

func cloneJob() *cobra.Command {
	return cli.Def[jobConfig]{
		Name: "clone", Args: []string{"ID"},
		Short: "Enqueue a job anew, whether it waits, runs or has ended",
		Long: `Enqueue a job anew, whether it waits, runs or has ended: one with an ID of its own and the same
kind, arguments and settings, which is due at once. It is unique by nothing, and of no batch, flow
or schedule, whatever the first one is.`,
		Config:        jobConfig{common: defaults()},
		CompleteFlags: ofQueue[jobConfig](),
		Run: func(ctx context.Context, call *cli.Call, cfg *jobConfig) error {
			return cfg.with(call, func(a *admin.Admin) error {
				id, clone := call.Args[0], ""
				err := onJob(ctx, a, cfg.Queue, id, func(queue, whole string) (err error) {
					id = whole
					clone, err = a.CloneJob(ctx, queue, whole)
					return err
				})
				if err != nil {
					return err
				}
				return cfg.Done(call, "cloned "+id+" as "+clone, map[string]any{"id": id, "clone": clone, "done": "cloned"})
			})
		},
	}.Command()
}
