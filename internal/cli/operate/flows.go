package operate

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// How many flows are listed, and named to a shell.
const (
	mostFlows   = 1000
	listedFlows = 100
)

// FlowsCommand is the verbs for flows.
func FlowsCommand() *cobra.Command {
	return cli.Group("flows", "Inspect and cancel batches",
		listing("List batches, the latest first, at most 1,000",
			func(ctx context.Context, a *admin.Admin) ([]*flow.Info, error) { return a.Flows(ctx, mostFlows) }, showFlows),
		flowVerb("get", "Show all that is known of a batch", func(ctx context.Context, call *cli.Call, cfg *common, a *admin.Admin) error {
			f, err := a.Flow(ctx, call.Args[0])
			switch {
			case err != nil:
				return err
			case cfg.JSON:
				return cli.PrintJSON(call.Stdout, f)
			}
			return showFlow(call, f)
		}),
		flowVerb("cancel", "Cancel all members of a batch; it takes no more", func(ctx context.Context, call *cli.Call, cfg *common, a *admin.Admin) error {
			f, err := a.CancelFlow(ctx, call.Args[0])
			if err != nil {
				return err
			}
			return cfg.done(call, fmt.Sprintf("batch %s is %s, %d of %d members have not ended yet", f.ID, f.State, f.Waiting, f.Total), map[string]any{"flow": f})
		}),
	)
}

// flowVerb makes a verb for one flow.
func flowVerb(name, short string, do func(ctx context.Context, call *cli.Call, cfg *common, a *admin.Admin) error) *cobra.Command {
	return cli.Def[common]{
		Name: name, Args: []string{"ID"}, Short: short, Config: defaults(), Complete: flowIDs,
		Run: func(ctx context.Context, call *cli.Call, cfg *common) error {
			return cfg.with(call, func(a *admin.Admin) error { return do(ctx, call, cfg, a) })
		},
	}.Command()
}

// flowIDs completes the ID of a flow.
func flowIDs(ctx context.Context, call *cli.Call, cfg *common) (ids []string, err error) {
	err = cfg.with(call, func(a *admin.Admin) error {
		all, err := a.Flows(ctx, listedFlows)
		for _, f := range all {
			ids = append(ids, f.ID)
		}
		return err
	})
	return ids, err
}

// flowColours are those of states.
var flowColours = map[flow.State]cli.Colour{
	flow.Open: cli.Blue, flow.Running: cli.Cyan, flow.Completed: cli.Green, flow.Failed: cli.Red, flow.Cancelled: cli.Dim,
}

func showFlows(call *cli.Call, list []*flow.Info) error {
	now := time.Now()
	t := cli.NewTable("ID", "STATE", "MEMBERS", "WAITING", "COMPLETED", "DISCARDED", "CANCELLED", "MADE", "REASON")
	for _, f := range list {
		number := func(n int) cli.Cell { return cli.Cell{Text: strconv.Itoa(n), Right: true} }
		t.Row(cli.Cell{Text: f.ID}, cli.Cell{Text: string(f.State), Colour: flowColours[f.State]},
			number(f.Total), number(f.Waiting), number(f.Completed), number(f.Discarded), number(f.Cancelled),
			cli.Cell{Text: ago(now.Sub(f.CreatedAt))}, cli.Cell{Text: printable.Text(f.Reason)})
	}
	return call.Table(t, "no batches")
}

func showFlow(call *cli.Call, flow *flow.Info) error {
	f := newFields(call)
	f.add("ID", flow.ID)
	f.coloured("State", string(flow.State), flowColours[flow.State])
	f.add("Reason", flow.Reason)
	f.add("Members", strconv.Itoa(flow.Total))
	f.add("Waiting", strconv.Itoa(flow.Waiting))
	f.add("Completed", strconv.Itoa(flow.Completed))
	f.add("Discarded", strconv.Itoa(flow.Discarded))
	f.add("Cancelled", strconv.Itoa(flow.Cancelled))
	f.add("Called", strings.Join(flow.Called, ", "))
	f.add("Spread", fmt.Sprintf("over partitions of queues: %d", flow.Partitions))
	if flow.Pending > 0 {
		f.add("Pending", fmt.Sprintf("messages to partitions: %d", flow.Pending))
	}
	f.add("Made", f.at(flow.CreatedAt))
	f.add("Open till", f.at(flow.OpenUntil))
	f.add("Closed", f.at(flow.ClosedAt))
	f.add("Deadline", f.at(flow.Deadline))
	f.add("Ended", f.at(flow.EndedAt))
	return f.print()
}
