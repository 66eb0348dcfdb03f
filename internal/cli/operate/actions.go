package operate

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// steerConfig is the settings of the verbs that steer jobs: some by their IDs, or all that
// match a filter.
type steerConfig struct {
	common `yaml:",inline"`

	Queue  string `yaml:"-" flag:"queue" arg:"NAME" usage:"look in this queue alone (default all)"`
	Where  string `yaml:"-" flag:"where" arg:"FILTER" usage:"all jobs that meet this, instead of some by their IDs: state:S queue:Q kind:K id:PREFIX tag:T args.PATH:V error:TEXT worker:ID before:2h after:3d, or a text"`
	Reason string `yaml:"-" flag:"reason" arg:"TEXT" usage:"with --where: why, for those who look at it later"`
	DryRun bool   `yaml:"-" flag:"dry-run" usage:"with --where: say how many jobs that are, and do nothing"`
	Yes    bool   `yaml:"-" flag:"yes" usage:"with --where: do not ask"`
}

const onAllHelp = `With --where it is done to all jobs that meet the filter: those that do when it begins, each
once, although others come and go meanwhile. That is an action, which is kept with its reason
and its outcome (drayhorse actions list); it goes in short steps, so that workers go on. One
whose process dies is left where it stands: drayhorse actions resume ID goes on with it, and
so does drayhorse ui by itself. Ctrl-C stops it.`

// onAll reports whether all that match are meant.
func (c *steerConfig) onAll(call *cli.Call, verb admin.Verb) (bool, error) {
	switch {
	case c.Where == "" && (c.Reason != "" || c.DryRun || c.Yes):
		return false, cli.Usagef("--reason, --dry-run or --yes without --where; want a filter, or IDs alone")
	case c.Where == "" && len(call.Args) == 0:
		return false, cli.Usagef("no ID is given; want drayhorse jobs %s ID..., or --where FILTER for all that match", verb)
	case c.Where != "" && len(call.Args) > 0:
		return false, cli.Usagef("--where and ID %q; want one of them", call.Args[0])
	case c.Where != "" && c.Reason == "" && !c.DryRun:
		return false, cli.Usagef("no --reason is given; want why, for those who look at it later")
	}
	return c.Where != "", nil
}

// actOnAll does it to all jobs that match, shows how far that has come, and says what came of
// it.
func actOnAll(ctx context.Context, call *cli.Call, cfg *steerConfig, verb admin.Verb, done string) error {
	f := admin.Filter{Queue: cfg.Queue, Where: cfg.Where}
	return cfg.with(call, func(a *admin.Admin) error {
		ask := verb != admin.VerbRetry && !cfg.Yes
		if cfg.DryRun || ask {
			n, err := a.CountFor(ctx, verb, f)
			switch {
			case err != nil:
				return err
			case cfg.DryRun && cfg.JSON:
				return cli.PrintJSON(call.Stdout, n)
			case cfg.DryRun:
				return call.Println(fmt.Sprintf("%s of %s; nothing was done", verb, said(n)))
			}
			if err := confirm(call, fmt.Sprintf("%s %s?", verb, said(n))); err != nil {
				return err
			}
		}
		begun, err := a.StartAction(ctx, admin.Order{Verb: verb, Filter: f, Reason: cfg.Reason})
		if err != nil {
			return err
		}
		return follow(ctx, call, &cfg.common, a, begun, done)
	})
}

// said says a count in words.
func said(n *admin.Count) string {
	text := strconv.Itoa(n.Jobs) + " jobs"
	if n.Jobs == 1 {
		text = "1 job"
	}
	if n.More {
		return fmt.Sprintf("%s among the first %d of %d, and maybe more", text, n.Looked, n.Total)
	}
	return text
}

// confirm asks a person whether something is meant.
func confirm(call *cli.Call, question string) error {
	if !cli.IsTerminal(call.Stdin) {
		return cli.Usagef("nobody can be asked whether that is meant; want --yes")
	}
	_, _ = fmt.Fprint(call.Stderr, printable.Text(question)+" [y/N] ")
	answer, _ := bufio.NewReader(call.Stdin).ReadString('\n')
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("nothing was done")
	}
	return nil
}

// follow runs an action to its end, or stops it where ctx ends.
func follow(ctx context.Context, call *cli.Call, c *common, a *admin.Admin, begun *admin.Action, done string) error {
	each, over := func(*admin.Action) {}, func() {}
	if cli.IsTerminal(call.Stderr) {
		bar := progressbar.NewOptions(max(begun.Total, 1), progressbar.OptionSetWriter(call.Stderr), progressbar.OptionSetWidth(24),
			progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(true))
		each = func(a *admin.Action) {
			bar.Describe(fmt.Sprintf("%s %d", done, a.Changed))
			_ = bar.Set(min(a.Looked, max(begun.Total, 1)-1))
		}
		over = func() { _ = bar.Clear() }
	}
	ended, err := a.RunAction(ctx, begun.ID, each)
	over()
	if ctx.Err() != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if err := a.StopAction(ctx, begun.ID); err != nil {
			return fmt.Errorf("action %s is left where it stands: %w", begun.ID, err)
		}
		ended, err = a.Action(ctx, begun.ID)
	}
	if err != nil {
		return fmt.Errorf("action %s is left where it stands, for drayhorse actions resume %s: %w", begun.ID, begun.ID, err)
	}
	return sayEnd(call, c, ended, done)
}

// pasts are what was done, by verb.
var pasts = map[admin.Verb]string{admin.VerbRetry: "retried", admin.VerbCancel: "cancelled", admin.VerbDelete: "deleted"}

// sayEnd says what came of an action. The error is that it was not all of it.
func sayEnd(call *cli.Call, c *common, x *admin.Action, done string) error {
	if err := c.Done(call, fmt.Sprintf("%s %d (action %s)", done, x.Changed, x.ID), map[string]any{"action": x}); err != nil {
		return err
	}
	switch {
	case x.State == admin.ActionFailed:
		return fmt.Errorf("the action failed: %s", x.Problem)
	case x.State != admin.ActionDone:
		return fmt.Errorf("the action is %s", x.State)
	case x.Failed > 0:
		return fmt.Errorf("%d could not be, the first because of: %s", x.Failed, x.Problem)
	}
	return nil
}

// ActionsCommand is the verbs for actions.
func ActionsCommand() *cobra.Command {
	return cli.Group("actions", "See what was done to many jobs at once, and stop it",
		seeing("list", "List actions, the latest first",
			func(ctx context.Context, a *admin.Admin, _ []string) ([]*admin.Action, error) { return a.Actions(ctx) }, showActions),
		actionVerb("get", "Show all that is known of an action", func(ctx context.Context, call *cli.Call, cfg *common, a *admin.Admin, x *admin.Action) error {
			if cfg.JSON {
				return cli.PrintJSON(call.Stdout, x)
			}
			return showAction(call, x)
		}),
		actionVerb("stop", "End an action where it stands; what it has done stays so", func(ctx context.Context, call *cli.Call, cfg *common, a *admin.Admin, x *admin.Action) error {
			if err := a.StopAction(ctx, x.ID); err != nil {
				return err
			}
			ended, err := a.RunAction(ctx, x.ID, nil) // that it has ended; or, after its runner died, to end it
			if err != nil {
				return err
			}
			return cfg.Done(call, fmt.Sprintf("action %s is %s, %d %s", x.ID, ended.State, ended.Changed, pasts[x.Verb]), map[string]any{"action": ended})
		}),
		actionVerb("resume", "Go on with an action whose process died", func(ctx context.Context, call *cli.Call, cfg *common, a *admin.Admin, x *admin.Action) error {
			return follow(ctx, call, cfg, a, x, pasts[x.Verb])
		}),
	)
}

// actionVerb makes a verb for one action.
func actionVerb(name, short string, do func(ctx context.Context, call *cli.Call, cfg *common, a *admin.Admin, x *admin.Action) error) *cobra.Command {
	return cli.Def[common]{
		Name: name, Args: []string{"ID"}, Short: short, Config: defaults(), Complete: actionIDs,
		Run: func(ctx context.Context, call *cli.Call, cfg *common) error {
			return cfg.with(call, func(a *admin.Admin) error {
				x, err := a.Action(ctx, call.Args[0])
				if err != nil {
					return err
				}
				return do(ctx, call, cfg, a, x)
			})
		},
	}.Command()
}

// actionIDs completes the ID of an action.
func actionIDs(ctx context.Context, call *cli.Call, cfg *common) (ids []string, err error) {
	err = cfg.with(call, func(a *admin.Admin) error {
		all, err := a.Actions(ctx)
		for _, x := range all {
			ids = append(ids, x.ID)
		}
		return err
	})
	return ids, err
}

// actionColours are those of states.
var actionColours = map[admin.ActionState]cli.Colour{
	admin.ActionRunning: cli.Cyan, admin.ActionDone: cli.Green, admin.ActionStopped: cli.Dim, admin.ActionFailed: cli.Red,
}

func showActions(call *cli.Call, list []*admin.Action) error {
	now := time.Now()
	t := cli.NewTable("ID", "VERB", "STATE", "LOOKED AT", "CHANGED", "FAILED", "BEGAN", "BY", "FILTER", "REASON")
	for _, x := range list {
		t.Row(cli.Cell{Text: x.ID}, cli.Cell{Text: string(x.Verb)}, cli.Cell{Text: string(x.State), Colour: actionColours[x.State]},
			cli.Cell{Text: strconv.Itoa(x.Looked), Right: true}, cli.Cell{Text: strconv.Itoa(x.Changed), Right: true}, cli.Cell{Text: strconv.Itoa(x.Failed), Right: true},
			cli.Cell{Text: ago(now.Sub(x.BegunAt))}, cli.Cell{Text: printable.Text(x.Actor)}, cli.Cell{Text: printable.Text(x.Filter)}, cli.Cell{Text: printable.Text(x.Reason)})
	}
	return call.Table(t, "no actions")
}

func showAction(call *cli.Call, x *admin.Action) error {
	f := newFields(call)
	f.add("id", x.ID)
	f.add("verb", string(x.Verb))
	f.coloured("state", string(x.State), actionColours[x.State])
	f.add("filter", x.Filter)
	f.add("reason", x.Reason)
	f.add("actor", x.Actor)
	f.add("began", f.at(x.BegunAt))
	f.add("ended", f.at(x.EndedAt))
	f.add("looked at", fmt.Sprintf("%d of %d", x.Looked, x.Total))
	f.add("matched", strconv.Itoa(x.Matched))
	f.add("changed", strconv.Itoa(x.Changed))
	f.add("failed", strconv.Itoa(x.Failed))
	f.add("problem", x.Problem)
	f.add("stopped", x.StoppedBy)
	f.add("run by", x.Runner)
	return f.print()
}
