package operate

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
)

// common is what all verbs can be told.
type common struct {
	cli.Common `yaml:",inline"`

	JSON bool `yaml:"-" flag:"json" usage:"print JSON"`
}

func defaults() common {
	c := common{Common: cli.DefaultCommon()}
	c.LogLevel = "warn" // what was done is on stdout
	return c
}

// with calls act with a connection.
func (c *common) with(call *cli.Call, act func(a *admin.Admin) error) error {
	a, err := admin.New(admin.Config{
		RedisURL: c.RedisURL.Reveal(), Namespace: c.Namespace, Logger: call.Log,
	})
	if err != nil {
		return err
	}
	defer a.Close()
	return act(a)
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

// done says what was done: to programs as JSON, with the keys of fields.
func (c *common) done(call *cli.Call, text string, fields map[string]any) error {
	if c.JSON {
		return cli.PrintJSON(call.Stdout, fields)
	}
	return call.Println(text)
}

// see reads something and prints it: to programs as JSON, to people as show does.
func see[V any](c *common, call *cli.Call, read func(a *admin.Admin) (V, error), show func(*cli.Call, V) error) error {
	return c.with(call, func(a *admin.Admin) error {
		v, err := read(a)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return cli.PrintJSON(call.Stdout, v)
		}
		return show(call, v)
	})
}

// seeing makes a verb without settings of its own that shows something.
func seeing[V any](name, short string, read func(ctx context.Context, a *admin.Admin, args []string) (V, error), show func(*cli.Call, V) error, args ...string) *cobra.Command {
	return cli.Def[common]{
		Name: name, Args: args, Short: short, Config: defaults(),
		Run: func(ctx context.Context, call *cli.Call, cfg *common) error {
			return see(cfg, call, func(a *admin.Admin) (V, error) { return read(ctx, a, call.Args) }, show)
		},
	}.Command()
}
