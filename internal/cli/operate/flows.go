package operate

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/figures"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// How many flows are listed, and named to a shell.
const (
	mostFlows   = 1000
	listedFlows = 100
)

// FlowsCommand is the verbs for flows.
func FlowsCommand() *cobra.Command {
	return cli.Group("flows", "Submit, inspect, signal, retry and cancel flows and batches",
		listFlows(),
		flowVerb("get", "Show all that is known of a flow or a batch", func(ctx context.Context, call *cli.Call, cfg *common, a *admin.Admin) error {
			f, err := a.Flow(ctx, call.Args[0])
			switch {
			case err != nil:
				return err
			case cfg.JSON:
				return cli.PrintJSON(call.Stdout, f)
			}
			return showFlow(call, f)
		}),
		flowVerb("explain", "Say why steps of a flow, or members of a batch, have not ended", func(ctx context.Context, call *cli.Call, cfg *common, a *admin.Admin) error {
			why, err := a.ExplainFlow(ctx, call.Args[0])
			switch {
			case err != nil:
				return err
			case cfg.JSON:
				return cli.PrintJSON(call.Stdout, why)
			}
			return showStepsWhy(call, why)
		}),
		flowResult(), retryFlow(), signalFlow(),
		flowVerb("cancel", "Cancel all steps of a flow, or members of a batch, which takes no more", func(ctx context.Context, call *cli.Call, cfg *common, a *admin.Admin) error {
			f, err := a.CancelFlow(ctx, call.Args[0])
			if err != nil {
				return err
			}
			return cfg.Done(call, summary(f), map[string]any{"flow": f})
		}),
	)
}

// flowResult prints what a step has come to.
func flowResult() *cobra.Command {
	return cli.Def[common]{
		Name: "result", Args: []string{"ID", "STEP"}, Short: "Print the result of a step that has completed, in JSON", Config: defaults(), Complete: flowIDs,
		Run: func(ctx context.Context, call *cli.Call, cfg *common) error {
			return cfg.with(call, func(a *admin.Admin) error {
				result, err := a.FlowResult(ctx, call.Args[0], call.Args[1])
				if err != nil {
					return err
				}
				return call.Println(printable.JSON(string(result)))
			})
		},
	}.Command()
}

type listFlowsConfig struct {
	lists `yaml:",inline"`

	Stuck  bool   `yaml:"-" flag:"stuck" usage:"those alone that do not go on by themselves, and why"`
	Cursor string `yaml:"-" flag:"cursor" arg:"CURSOR" usage:"go on where the last list ended"`
}

// listFlows lists flows, or those that are stuck.
func listFlows() *cobra.Command {
	return cli.Def[listFlowsConfig]{
		Name: "list", Short: "List flows and batches, the latest first",
		Config: listFlowsConfig{lists: lists{common: defaults(), Listing: cli.Listing{Limit: mostFlows}}},
		Run: func(ctx context.Context, call *cli.Call, cfg *listFlowsConfig) error {
			switch {
			case cfg.Stuck && cfg.Cursor != "":
				return cli.Usagef("--stuck and --cursor; want one of them")
			case cfg.Stuck:
				return list(ctx, &cfg.lists, call, func(ctx context.Context, a *admin.Admin) ([]admin.StuckFlow, error) { return a.StuckFlows(ctx) }, showStuckFlows)
			}
			return watch(ctx, &cfg.common, &cfg.Watching, call, func(a *admin.Admin) ([]*flow.Info, error) { return collectFlows(ctx, call, a, cfg) }, showFlows)
		},
	}.Command()
}

// collectFlows reads pages until it has as many flows as were asked for, or all.
func collectFlows(ctx context.Context, call *cli.Call, a *admin.Admin, cfg *listFlowsConfig) ([]*flow.Info, error) {
	all, limit, cursor := []*flow.Info{}, cmp.Or(cfg.Limit, math.MaxInt), cfg.Cursor
	for {
		page, err := a.FlowPage(ctx, cursor, min(limit-len(all), mostFlows))
		if err != nil {
			return nil, err
		}
		all, cursor = append(all, page.Flows...), page.Next
		if cursor == "" {
			return all, nil
		}
		if len(all) >= limit {
			call.More("there are more: --cursor %s", cursor)
			return all, nil
		}
	}
}

// summary says how a flow stands.
func summary(f *flow.Info) string {
	what, of := "batch", "members"
	if f.HasSteps {
		what, of = "flow", "steps"
	}
	return fmt.Sprintf("%s %s is %s, %d of %d %s have not ended yet", what, f.ID, f.State, f.Waiting+f.Running, f.Total, of)
}

type retryFlowConfig struct {
	common `yaml:",inline"`

	Steps string `yaml:"-" flag:"steps" arg:"WHICH" usage:"which have to run again: failed, downstream for what was cancelled since, too, or all"`
}

func retryFlow() *cobra.Command {
	return cli.Def[retryFlowConfig]{
		Name: "retry", Args: []string{"ID"}, Short: "Have steps of a flow run again that have ended",
		Config: retryFlowConfig{common: defaults(), Steps: string(flow.FailedAndDownstream)},
		Complete: func(ctx context.Context, call *cli.Call, cfg *retryFlowConfig) ([]string, error) {
			return flowIDs(ctx, call, &cfg.common)
		},
		Run: func(ctx context.Context, call *cli.Call, cfg *retryFlowConfig) error {
			if err := flow.Again(cfg.Steps).Validate(); err != nil {
				return cli.Usagef("--steps %q; want failed, downstream or all", cfg.Steps)
			}
			return cfg.with(call, func(a *admin.Admin) error {
				f, err := a.RetryFlow(ctx, call.Args[0], flow.Again(cfg.Steps))
				if err != nil {
					return err
				}
				return cfg.Done(call, summary(f), map[string]any{"flow": f})
			})
		},
	}.Command()
}

type signalFlowConfig struct {
	common      `yaml:",inline"`
	signalFlags `yaml:",inline"`
}

func signalFlow() *cobra.Command {
	return cli.Def[signalFlowConfig]{
		Name: "signal", Args: []string{"ID", "NAME", "[JSON]"},
		Short: "Send a flow a signal that one of its steps is",
		Long: `Send a flow a signal that one of its steps is. What comes after that step goes on, and may
read the value. The first signal of a name stays: a second one is an error, but for the same one
again, by its --key. Without JSON the value is null.`,
		Example: `  drayhorse flows signal order-42 approved '{"by":"ann"}' --key click-7`,
		Config:  signalFlowConfig{common: defaults()},
		Complete: func(ctx context.Context, call *cli.Call, cfg *signalFlowConfig) ([]string, error) {
			return flowIDs(ctx, call, &cfg.common)
		},
		Run: func(ctx context.Context, call *cli.Call, cfg *signalFlowConfig) error {
			payload, err := signalValue(call.Args)
			if err != nil {
				return err
			}
			id, name := call.Args[0], call.Args[1]
			return cfg.with(call, func(a *admin.Admin) error {
				first, err := a.SignalFlow(ctx, id, name, payload, flow.Key(cfg.Key), flow.Sender(cmp.Or(cfg.Sender, cli.Actor())))
				if err != nil {
					return err
				}
				text, done := "signalled "+id, "signalled"
				if !first {
					text, done = "flow "+id+" has that signal already", "duplicate"
				}
				return cfg.Done(call, text, map[string]any{"id": id, "signal": name, "done": done})
			})
		},
	}.Command()
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
	return call.Table(t, "no flows")
}

// stepColours are those of states of steps.
var stepColours = map[flow.StepState]cli.Colour{
	flow.StepRunning: cli.Cyan, flow.StepHeld: cli.Yellow, flow.StepCompleted: cli.Green, flow.StepDiscarded: cli.Red, flow.StepCancelled: cli.Dim,
}

// showFlow shows a flow, and below that its steps.
func showFlow(call *cli.Call, info *flow.Info) error {
	if !info.HasSteps {
		return showBatch(call, info)
	}
	f := newFields(call)
	f.add("ID", info.ID)
	f.coloured("State", string(info.State), flowColours[info.State])
	f.add("Reason", info.Reason)
	f.add("Steps", strconv.Itoa(info.Total))
	f.add("Waiting", strconv.Itoa(info.Waiting))
	f.add("Running", strconv.Itoa(info.Running))
	f.add("Completed", strconv.Itoa(info.Completed))
	f.add("Discarded", strconv.Itoa(info.Discarded))
	f.add("Cancelled", strconv.Itoa(info.Cancelled))
	f.add("Made", f.at(info.CreatedAt))
	f.add("Begun", f.at(info.ClosedAt))
	f.add("Deadline", f.at(info.Deadline))
	f.add("Ended", f.at(info.EndedAt))
	if err := f.print(); err != nil || call.NamesOnly() {
		return err
	}
	if err := call.Print("\n"); err != nil {
		return err
	}
	t := cli.NewTable("STEP", "STATE", "KIND", "QUEUE", "RUN", "AFTER", "JOB")
	for _, s := range info.Steps {
		t.Row(cli.Cell{Text: s.Name}, cli.Cell{Text: string(s.State), Colour: stepColours[s.State]}, cli.Cell{Text: cmp.Or(s.Kind, "(signal)")},
			cli.Cell{Text: s.Queue}, cli.Cell{Text: strconv.Itoa(s.Run), Right: true}, cli.Cell{Text: figures.Edges(s)}, cli.Cell{Text: s.JobID})
	}
	return call.Table(t, "no steps")
}

func showStuckFlows(call *cli.Call, all []admin.StuckFlow) error {
	now := time.Now()
	t := cli.NewTable("ID", "STATE", "MADE", "WHY")
	for _, s := range all {
		t.Row(cli.Cell{Text: s.Flow.ID}, cli.Cell{Text: string(s.Flow.State), Colour: flowColours[s.Flow.State]},
			cli.Cell{Text: ago(now.Sub(s.Flow.CreatedAt))}, cli.Cell{Text: printable.Text(s.Why)})
	}
	return call.Table(t, "no flow is stuck")
}

// showStepsWhy shows why steps have not ended, or the members of a batch in its queues.
func showStepsWhy(call *cli.Call, all []admin.StepWhy) error {
	if len(all) > 0 && all[0].Step == "" {
		t := cli.NewTable("QUEUE OR FLOW", "MEMBERS", "WHY")
		for _, s := range all {
			t.Row(cli.Cell{Text: cmp.Or(s.Queue, s.Flow)}, cli.Cell{Text: strconv.Itoa(s.Members), Right: true}, cli.Cell{Text: printable.Text(s.Why)})
		}
		return call.Table(t, "")
	}
	t := cli.NewTable("STEP", "STATE", "WHY")
	for _, s := range all {
		t.Row(cli.Cell{Text: s.Step}, cli.Cell{Text: string(s.State), Colour: stepColours[s.State]}, cli.Cell{Text: printable.Text(s.Why)})
	}
	return call.Table(t, "all have ended")
}

func showBatch(call *cli.Call, flow *flow.Info) error {
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
