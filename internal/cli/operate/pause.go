package operate

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
)

// act is Pause or Resume of admin.
type act func(a *admin.Admin, ctx context.Context, target admin.Target, why string) error

// PauseCommand pauses a queue, or one kind or group of its jobs.
func PauseCommand() *cobra.Command {
	return switchTarget("pause", "paused", "Pause a queue, or one kind or group of its jobs", `Pause a queue, or one kind or group of its jobs, or one kind in a group: at once, for all workers,
and for what is queued already. Jobs that run go on. Those that wait keep their order and lose no
attempt, and others pass them. "drayhorse queues list" and "drayhorse jobs get" show it, with the reason.`,
		`  drayhorse pause --queue mail --kind welcome --reason "their API is down"`, (*admin.Admin).Pause)
}

// ResumeCommand undoes what PauseCommand did.
func ResumeCommand() *cobra.Command {
	return switchTarget("resume", "resumed", "Resume a queue, or one kind or group of its jobs", `Resume what "drayhorse pause" has paused, of the same queue, kind and group. Kinds and groups
that are paused themselves stay so when their queue is resumed.`, "  drayhorse resume --queue mail --kind welcome", (*admin.Admin).Resume)
}

type targetConfig struct {
	common `yaml:",inline"`

	Queue  string `yaml:"-" flag:"queue" arg:"NAME" usage:"queue whose jobs are meant (required)"`
	Kind   string `yaml:"-" flag:"kind" arg:"KIND" usage:"of its jobs, those of this kind alone"`
	Group  string `yaml:"-" flag:"group" arg:"GROUP" usage:"of its jobs, those of this group alone"`
	Reason string `yaml:"-" flag:"reason" arg:"TEXT" usage:"why, for those who look at it later"`
}

func switchTarget(verb, done, short, long, example string, do act) *cobra.Command {
	return cli.Def[targetConfig]{
		Name: verb, Short: short, Long: long, Example: example, Config: targetConfig{common: defaults()}, CompleteFlags: ofQueue[targetConfig](),
		Run: func(ctx context.Context, call *cli.Call, cfg *targetConfig) error {
			if cfg.Queue == "" {
				return cli.Usagef("no --queue is given; want the queue whose jobs are meant")
			}
			return cfg.with(call, func(a *admin.Admin) error {
				if err := do(a, ctx, admin.Target{Queue: cfg.Queue, Kind: cfg.Kind, Group: cfg.Group}, cfg.Reason); err != nil {
					return err
				}
				fields := map[string]any{"queue": cfg.Queue, "done": done}
				what := "queue " + cfg.Queue
				if cfg.Group != "" {
					fields["group"], what = cfg.Group, "group "+cfg.Group+" of "+what
				}
				if cfg.Kind != "" {
					fields["kind"], what = cfg.Kind, "kind "+cfg.Kind+" of "+what
				}
				return cfg.Done(call, done+" "+what, fields)
			})
		},
	}.Command()
}

func switchQueue(verb, done, short string, do act) *cobra.Command {
	return cli.Def[reasonConfig]{
		Name: verb, Args: []string{"NAME..."},
		Short:    short,
		Config:   reasonConfig{common: defaults()},
		Complete: queueNames[reasonConfig],
		Run: func(ctx context.Context, call *cli.Call, cfg *reasonConfig) error {
			return cfg.each(call, func(a *admin.Admin, queue string) error {
				if err := do(a, ctx, admin.Target{Queue: queue}, cfg.Reason); err != nil {
					return err
				}
				return cfg.Done(call, done+" queue "+queue, map[string]any{"queue": queue, "done": done})
			})
		},
	}.Command()
}

// kindRemarks names the kinds and groups of a queue that are paused.
func kindRemarks(q *admin.Queue) []string {
	const most = 3
	var all []string
	for i := range q.Pauses {
		p := &q.Pauses[i]
		switch {
		case p.Kind == "" && p.Group == "":
		case len(all) == most:
			return append(all, fmt.Sprintf("and %d kinds more", len(q.Pauses)-i))
		case p.Group == "":
			all = append(all, "kind "+p.Kind+" paused")
		case p.Kind == "":
			all = append(all, "group "+p.Group+" paused")
		default:
			all = append(all, "kind "+p.Kind+" of group "+p.Group+" paused")
		}
	}
	return all
}
