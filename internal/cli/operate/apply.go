package operate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/cli/schedule"
	"github.com/drayhorse/drayhorse/internal/printable"
)

type applyConfig struct {
	common `yaml:",inline"`

	File   string `yaml:"-" flag:"file" short:"f" arg:"FILE" usage:"file of queues, limits and schedules; - reads stdin (required)"`
	Reason string `yaml:"-" flag:"reason" arg:"TEXT" usage:"why, for those who look at it later"`
}

const applied = `The file is YAML:

  queues:
    mail: {max_depth: 100000}
    import: {partitions: 6}
  limits:
    - {name: smtp, queue: mail, rate: 100/1m, burst: 20, concurrency: 5}
  source: billing
  schedules:
    - {id: invoices, cron: "0 3 * * *", timezone: Europe/Paris, kind: invoice, queue: mail}

What it does not name stays as it is, but for schedules: a file that has some has a source,
which is its own, and what that has declared before and declares no more is removed. Some
scheduler has to run for them to fire; see drayhorse scheduler.`

// ApplyCommand makes queues, limits and schedules as a file declares them.
func ApplyCommand() *cobra.Command {
	return declared("apply", "Set queues, limits and schedules as a file declares them",
		"Set queues, limits and schedules as a file declares them, and say what was changed. Done again, it changes\nnothing. If the file has a mistake, nothing is changed.\n\n"+applied,
		func(ctx context.Context, call *cli.Call, cfg *applyConfig, a *admin.Admin, all []*change) error {
			for i, c := range all {
				if c.apply == nil {
					continue
				}
				if err := c.apply(ctx, a, cfg.Reason); err != nil {
					return fmt.Errorf("%s: %w; %d of %d changes are made", c, err, i, len(all))
				}
			}
			if err := cfg.say(call, all); err != nil {
				return err
			}
			if slices.ContainsFunc(all, func(c *change) bool { return c.fires }) {
				schedule.WarnUnled(ctx, call, a)
			}
			return nil
		})
}

// errDiffers has diff end with exit code 1.
var errDiffers = errors.New("it is not as the file declares it")

// DiffCommand says what apply would change.
func DiffCommand() *cobra.Command {
	return declared("diff", "Show what apply would change",
		"Show what apply would change. Its exit code is 1 if there is anything.\n\n"+applied,
		func(_ context.Context, call *cli.Call, cfg *applyConfig, _ *admin.Admin, all []*change) error {
			if err := cfg.say(call, all); err != nil || len(all) == 0 {
				return err
			}
			return errDiffers
		})
}

func declared(name, short, long string, do func(ctx context.Context, call *cli.Call, cfg *applyConfig, a *admin.Admin, all []*change) error) *cobra.Command {
	return cli.Def[applyConfig]{
		Name: name, Short: short, Long: long,
		Example: "  drayhorse " + name + " -f jobs.yaml",
		Config:  applyConfig{common: defaults()},
		Run: func(ctx context.Context, call *cli.Call, cfg *applyConfig) error {
			if cfg.File == "" {
				return cli.Usagef("no --file is given; want the file that declares queues, limits or schedules, or - for stdin")
			}
			d, err := readDeclarations(cfg.File, call.Stdin)
			if err != nil {
				return err
			}
			s, err := schedule.New(d.tuning(), cfg.Connection, call, nil, nil, "")
			if err != nil {
				return err
			}
			defer func() { _ = s.Close() }()
			return cfg.with(call, func(a *admin.Admin) error {
				all, err := d.changes(ctx, a, s)
				if err != nil {
					return err
				}
				return do(ctx, call, cfg, a, all)
			})
		},
	}.Command()
}

// say prints changes, a line each.
func (c *applyConfig) say(call *cli.Call, all []*change) error {
	if c.JSON {
		return cli.PrintJSON(call.Stdout, all)
	}
	for _, one := range all {
		if err := call.Println(printable.Text(one.String())); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		call.Notef("nothing to change")
	}
	return nil
}
