// Package dev is everything in one process, for trying things out.
package dev

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/cli/schedule"
	"github.com/drayhorse/drayhorse/internal/cli/work"
)

type config struct {
	cli.Logging    `yaml:",inline"`
	cli.Monitoring `yaml:",inline"`
	work.Tuning    `yaml:",inline"`

	Namespace string              `yaml:"namespace" arg:"NAME" usage:"prefix of all keys"`
	Listen    string              `yaml:"listen" arg:"ADDR" usage:"HOST:PORT of the embedded server (default 127.0.0.1:6379, or a free port if that is taken)"`
	API       string              `yaml:"api" arg:"ADDR" usage:"HOST:PORT of the HTTP API, on this machine alone (default 127.0.0.1:8080, or a free port if that is taken)"`
	UI        string              `yaml:"ui" arg:"ADDR" usage:"HOST:PORT of the dashboard, on this machine alone (default 127.0.0.1:7080, or a free port if that is taken)"`
	Schedules []schedule.Schedule `yaml:"schedules,omitempty"`
}

// The addresses that are taken where none is given and they are free.
const (
	usualListen = "127.0.0.1:6379"
	usualAPI    = "127.0.0.1:8080"
	usualUI     = "127.0.0.1:7080"
)

// Settle settles the parts.
func (c *config) Settle() error {
	if err := c.checkAddresses(); err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return err
	}
	scheduler := c.scheduler()
	if err := scheduler.Settle(); err != nil {
		return err
	}
	return c.Tuning.Settle()
}

func (c *config) checkAddresses() error {
	for name, addr := range map[string]string{"listen": c.Listen, "api": c.API, "ui": c.UI} {
		if addr == "" {
			continue
		}
		if err := cli.ValidateAddr(name, addr); err != nil {
			return err
		}
	}
	if c.API != "" && !cli.IsLoopback(c.API) {
		return fmt.Errorf("%w: api %q: it asks for no token; want 127.0.0.1:PORT, or producer serve with a token file", drayhorse.ErrInvalid, c.API)
	}
	if c.UI != "" && !cli.IsLoopback(c.UI) {
		return fmt.Errorf("%w: ui %q: the dashboard has no login; want 127.0.0.1:PORT", drayhorse.ErrInvalid, c.UI)
	}
	if c.Listen == "" || cli.IsLoopback(c.Listen) {
		return nil
	}
	for kind, handler := range c.Handlers {
		if handler.Exec != nil {
			return fmt.Errorf("%w: listen %q with the exec handler %s: whoever reaches the embedded server, which has no password, could run it; "+
				"want 127.0.0.1:PORT", drayhorse.ErrInvalid, c.Listen, kind)
		}
	}
	return nil
}

// scheduler gives the settings of the scheduler.
func (c *config) scheduler() schedule.Tuning {
	t := schedule.DefaultTuning()
	t.Schedules = c.Schedules
	return t
}

// Command is the command.
func Command() *cobra.Command {
	return cli.Def[config]{
		Name:  "dev",
		Short: "Run everything in one process on an embedded server, with nothing to install",
		Long: `Run everything in one process, with nothing to install: an embedded Redis server in
memory, a scheduler, the HTTP API of producer serve, the dashboard and, if the config file
has handlers, a worker. Nothing is kept when it ends.

The config file has the handlers of a worker and the schedules of a scheduler:

  handlers:
    digest: {exec: {command: ["sha256sum", "{{path}}"]}}
  schedules:
    - {id: digest-often, every: 30s, kind: digest, args: {path: /etc/hostname}}`,
		Stops:   true,
		Example: "  drayhorse dev --config dev.yaml",
		Config:  config{Logging: cli.DefaultLogging(), Tuning: work.DefaultTuning(), Namespace: cli.DefaultConnection().Namespace},
		Check: func(_ context.Context, call *cli.Call, cfg *config) error {
			if err := drayhorse.ValidateNamespace(cfg.Namespace); err != nil {
				return err
			}
			return work.Check(&cfg.Tuning, call)
		},
		Run: func(ctx context.Context, call *cli.Call, cfg *config) error {
			house, err := open(ctx, call, cfg)
			if err != nil {
				return err
			}
			defer house.close()
			if err := call.Print(house.describe()); err != nil {
				return err
			}
			return house.run(ctx)
		},
	}.Command()
}
