package schedule

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/election"
	"github.com/drayhorse/drayhorse/scheduler"
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
		func(ctx context.Context, _ *cli.Call, d desk) ([]leads, error) {
			leader, err := d.leader(ctx)
			if err != nil || leader == (election.Leader{}) {
				return nil, err
			}
			return []leads{{leader.Identity, leader.Term, stamp(leader.Since)}}, nil
		},
		func(ctx context.Context, call *cli.Call, d desk, all []leads) error {
			if len(all) == 0 {
				d.warnUnled(ctx, call)
				return nil
			}
			t := cli.NewTable("LEADER", "SINCE", "TERM")
			for _, l := range all {
				t.Row(cli.Cell{Text: l.Identity}, cli.Cell{Text: l.Since}, cli.Cell{Text: strconv.FormatInt(l.Term, 10)})
			}
			return call.Table(t, "")
		})
}

// leader says who leads; a leader that died is named until another one follows.
func (d desk) leader(ctx context.Context) (election.Leader, error) {
	e, err := election.New(d.engine.Client(), election.Config{Namespace: d.namespace, Name: scheduler.ElectionName})
	if err != nil {
		return election.Leader{}, err
	}
	return e.Leader(ctx)
}

// warnUnled tells a person that nothing fires, as far as Redis says so.
func (d desk) warnUnled(ctx context.Context, call *cli.Call) {
	if leader, err := d.leader(ctx); err != nil || leader != (election.Leader{}) {
		return
	}
	_, _ = fmt.Fprintln(call.Stderr, "no scheduler leads, so nothing fires by itself; start one: scheduler --config FILE")
}
