package operate

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/board"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/filter"
)

// common is what all verbs can be told.
type common struct {
	cli.Common `yaml:",inline"`

	cli.Output `yaml:",inline"`
}

func defaults() common {
	c := common{Common: cli.DefaultCommon()}
	c.LogLevel = "warn" // what was done is on stdout
	return c
}

// with calls act with a connection.
func (c *common) with(call *cli.Call, act func(a *admin.Admin) error) error {
	a, err := admin.New(admin.Config{
		RedisURL: c.RedisURL.Reveal(), Namespace: c.Namespace, Logger: call.Log, Actor: cli.Actor(),
	})
	if err != nil {
		return err
	}
	defer a.Close()
	return act(a)
}

// queueNames are the queues that there are, for shells.
func (c *common) queueNames(ctx context.Context, call *cli.Call) (names []string, err error) {
	err = c.with(call, func(a *admin.Admin) (err error) {
		names, err = a.QueueNames(ctx)
		return err
	})
	return names, err
}

// filters are what the filter that is typed may become, for shells.
func (c *common) filters(ctx context.Context, call *cli.Call) (texts []string, err error) {
	err = c.with(call, func(a *admin.Admin) (err error) {
		texts = filter.Complete(call.Typed, func(term string) []string {
			var known board.Reading
			if known.Names, err = a.QueueNames(ctx); err == nil {
				known.Workers, err = a.Workers(ctx)
			}
			return known.Values(term)
		})
		return err
	})
	return texts, err
}

// completes is the settings of a verb, which know where the queues are.
type completes[C any] interface {
	*C
	queueNames(ctx context.Context, call *cli.Call) ([]string, error)
	filters(ctx context.Context, call *cli.Call) ([]string, error)
}

// queueNames completes names of queues for a verb.
func queueNames[C any, P completes[C]](ctx context.Context, call *cli.Call, cfg *C) ([]string, error) {
	return P(cfg).queueNames(ctx, call)
}

// ofQueue completes the flag for a queue.
func ofQueue[C any, P completes[C]]() map[string]cli.Names[C] {
	return map[string]cli.Names[C]{"queue": queueNames[C, P]}
}

// ofJobs completes the flags that say which jobs are meant.
func ofJobs[C any, P completes[C]]() map[string]cli.Names[C] {
	all := ofQueue[C, P]()
	all["where"] = func(ctx context.Context, call *cli.Call, cfg *C) ([]string, error) { return P(cfg).filters(ctx, call) }
	return all
}

// each does something to each thing that the command names, until one fails.
func (c *common) each(call *cli.Call, act func(a *admin.Admin, name string) error) error {
	return c.with(call, func(a *admin.Admin) error {
		for _, name := range call.Args {
			if err := act(a, name); err != nil {
				return err
			}
		}
		return nil
	})
}

// see reads something and prints it: to programs as JSON, to people as show does.
func see[V any](c *common, call *cli.Call, read func(a *admin.Admin) (V, error), show func(*cli.Call, V) error) error {
	return c.with(call, func(a *admin.Admin) error { return printed(c, call, a, read, show) })
}

// printed reads something and prints it.
func printed[V any](c *common, call *cli.Call, a *admin.Admin, read func(a *admin.Admin) (V, error), show func(*cli.Call, V) error) error {
	v, err := read(a)
	switch {
	case err != nil:
		return err
	case c.JSON:
		return cli.PrintJSON(call.Stdout, v)
	}
	return show(call, v)
}

// workerIDs completes the ID of a worker, for verbs that take one.
func workerIDs(args []string) cli.Names[common] {
	if len(args) == 0 {
		return nil
	}
	return func(ctx context.Context, call *cli.Call, cfg *common) (ids []string, err error) {
		err = cfg.with(call, func(a *admin.Admin) error {
			workers, err := a.Workers(ctx)
			for _, w := range workers {
				ids = append(ids, w.ID)
			}
			return err
		})
		return ids, err
	}
}

// seeing makes a verb without settings of its own that shows something.
func seeing[V any](name, short string, read func(ctx context.Context, a *admin.Admin, args []string) (V, error), show func(*cli.Call, V) error, args ...string) *cobra.Command {
	return cli.Def[common]{
		Name: name, Args: args, Short: short, Config: defaults(), Complete: workerIDs(args),
		Run: func(ctx context.Context, call *cli.Call, cfg *common) error {
			return see(cfg, call, func(a *admin.Admin) (V, error) { return read(ctx, a, call.Args) }, show)
		},
	}.Command()
}
