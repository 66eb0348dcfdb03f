package operate

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
)

type editConfig struct {
	common `yaml:",inline"`

	Queue string `yaml:"-" flag:"queue" arg:"NAME" usage:"look in this queue alone (default all)"`
	Args  string `yaml:"-" flag:"args" arg:"JSON" usage:"the arguments that it is to have (required)"`
}

func editJob() *cobra.Command {
	return cli.Def[editConfig]{
		Name: "edit", Args: []string{"ID"},
		Short: "Give a job that waits other arguments",
		Long: `Give a job that waits other arguments. All else stays: its place in line, when it is due, and
what it is unique by. A job that runs keeps its own; cancel or wait for it first.`,
		Example:       `  drayhorse jobs edit 01h455vb --args '{"to":"ann@example.org"}'`,
		Config:        editConfig{common: defaults()},
		CompleteFlags: ofQueue[editConfig](),
		Run: func(ctx context.Context, call *cli.Call, cfg *editConfig) error {
			if cfg.Args == "" {
				return cli.Usagef("no --args is given; want the arguments that the job is to have, in JSON")
			}
			return cfg.with(call, func(a *admin.Admin) error {
				id := call.Args[0]
				err := onJob(ctx, a, cfg.Queue, id, func(queue, whole string) error {
					id = whole
					return a.EditJob(ctx, queue, whole, json.RawMessage(cfg.Args))
				})
				if err != nil {
					return err
				}
				return cfg.Done(call, "edited "+id, map[string]any{"id": id, "done": "edited"})
			})
		},
	}.Command()
}
