package operate

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
)

// lists is what verbs that list something can be told.
type lists struct {
	common `yaml:",inline"`

	cli.Listing `yaml:",inline"`
}

// listing makes a verb without settings of its own that lists something.
func listing[V any](short string, read func(ctx context.Context, a *admin.Admin) ([]V, error), show func(*cli.Call, []V) error) *cobra.Command {
	return cli.Def[lists]{
		Name: "list", Short: short, Config: lists{common: defaults()},
		Run: func(ctx context.Context, call *cli.Call, cfg *lists) error { return list(ctx, cfg, call, read, show) },
	}.Command()
}

// list reads and shows a list, as far as its limit.
func list[V any](ctx context.Context, cfg *lists, call *cli.Call, read func(ctx context.Context, a *admin.Admin) ([]V, error), show func(*cli.Call, []V) error) error {
	return watch(ctx, &cfg.common, &cfg.Watching, call, func(a *admin.Admin) ([]V, error) {
		all, err := read(ctx, a)
		if n := len(all); cfg.Limit > 0 && n > cfg.Limit {
			all = all[:cfg.Limit]
			call.More("%d more; want --limit 0 for all", n-cfg.Limit)
		}
		return all, err
	}, show)
}

// watch reads something and prints it, as see does, again and again if that is wanted.
func watch[V any](ctx context.Context, c *common, w *cli.Watching, call *cli.Call, read func(a *admin.Admin) (V, error), show func(*cli.Call, V) error) error {
	return c.with(call, func(a *admin.Admin) error {
		return w.Show(ctx, call, func() error { return printed(c, call, a, read, show) })
	})
}
