package operate

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/printable"
)

func explainJob() *cobra.Command {
	return cli.Def[jobConfig]{
		Name: "explain", Args: []string{"ID"},
		Short:         "Say why a job does not run",
		Config:        jobConfig{common: defaults()},
		CompleteFlags: ofQueue[jobConfig](),
		Run: func(ctx context.Context, call *cli.Call, cfg *jobConfig) error {
			return see(&cfg.common, call, func(a *admin.Admin) (*admin.Explanation, error) { return a.Explain(ctx, cfg.Queue, call.Args[0]) }, showExplanation)
		},
	}.Command()
}

func showExplanation(call *cli.Call, x *admin.Explanation) error {
	t := cli.NewTable("GATE", "SINCE", "UNTIL", "WHY")
	for _, r := range x.Why {
		since, until := "", ""
		if !r.Since.IsZero() {
			since = ago(x.Now.Sub(r.Since))
		}
		if !r.Until.IsZero() {
			until = ago(x.Now.Sub(r.Until))
		}
		t.Row(cli.Cell{Text: r.Gate}, cli.Cell{Text: since}, cli.Cell{Text: until}, cli.Cell{Text: printable.Text(r.Detail)})
	}
	return call.Table(t, "nothing holds it up")
}

// holds says what holds a waiting job up in the first place, but for its time and its place in line.
func holds(ctx context.Context, a *admin.Admin, info *drayhorse.Info) string {
	if info.State == drayhorse.Running || info.State.Ended() {
		return ""
	}
	x, err := a.Explain(ctx, info.Queue, info.ID)
	if err != nil {
		return ""
	}
	for _, r := range x.Why {
		switch r.Gate {
		case admin.GateScheduled, admin.GateRetry, admin.GatePriority, admin.GateGroup, admin.GateLine, admin.GateRunning, admin.GateEnded:
		default:
			return r.Detail
		}
	}
	return ""
}
