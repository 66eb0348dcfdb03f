package schedule

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
)

// SchedulersCommand is the verbs for the programs that fire schedules.
func SchedulersCommand() *cobra.Command {
	return cli.Group("schedulers", "See which scheduler leads", schedulersVerb())
}

// leads is a scheduler that leads, as JSON.
type leads struct {
	Identity string `json:"identity"`
	Term     int64  `json:"term"`
	Since    string `json:"since"`
}

func schedulersVerb() *cobra.Command {
	return listing("list", "Show the scheduler that leads; those that follow it are not known", nil,
		func(ctx context.Context, _ *cli.Call, a *admin.Admin) ([]leads, error) {
			leader, err := a.Leader(ctx)
			if err != nil || leader == nil {
				return nil, err
			}
			return []leads{{leader.Identity, leader.Term, stamp(leader.Since)}}, nil
		},
		func(ctx context.Context, call *cli.Call, a *admin.Admin, all []leads) error {
			if len(all) == 0 {
				WarnUnled(ctx, call, a)
				return nil
			}
			t := cli.NewTable("LEADER", "SINCE", "TERM")
			for _, l := range all {
				t.Row(cli.Cell{Text: l.Identity}, cli.Cell{Text: l.Since}, cli.Cell{Text: strconv.FormatInt(l.Term, 10)})
			}
			return call.Table(t, "")
		})
}

// WarnUnled tells a person that nothing fires, as far as Redis says so.
func WarnUnled(ctx context.Context, call *cli.Call, a *admin.Admin) {
	if leader, err := a.Leader(ctx); err != nil || leader != nil {
		return
	}
	_, _ = fmt.Fprintln(call.Stderr, "no scheduler leads, so nothing fires by itself; start one: scheduler --config FILE")
}
