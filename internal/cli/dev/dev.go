// Package dev is everything in one process, for trying things out.
package dev

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/cli/work"
	"github.com/drayhorse/drayhorse/internal/embedded"
)

type config struct {
	cli.Logging    `yaml:",inline"`
	cli.Monitoring `yaml:",inline"`
	work.Tuning    `yaml:",inline"`

	Namespace string `yaml:"namespace" arg:"NAME" usage:"prefix of all keys"`
	Listen    string `yaml:"listen" arg:"ADDR" usage:"HOST:PORT of the embedded server; port 0 is a free one"`
}

// Settle settles the parts.
func (c *config) Settle() error {
	if err := cli.ValidateAddr("listen", c.Listen); err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return err
	}
	return c.Tuning.Settle()
}

// Command is the command.
func Command() *cobra.Command {
	return cli.Def[config]{
		Name:  "dev",
		Short: "Run all in one process on an embedded server, with nothing to install",
		Long: `Run all in one process on an embedded server, with nothing to install: a Redis in
memory and, if the config file has handlers, a worker. Nothing is kept when it ends.`,
		Example: "  drayhorse dev --config worker.yaml --listen 127.0.0.1:6379",
		Config: config{
			Logging: cli.DefaultLogging(), Tuning: work.DefaultTuning(),
			Namespace: cli.DefaultConnection().Namespace, Listen: "127.0.0.1:0",
		},
		Run: run,
	}.Command()
}

func run(ctx context.Context, call *cli.Call, cfg *config) error {
	server, err := embedded.Start(cfg.Listen)
	if err != nil {
		return err
	}
	defer server.Close()
	if err := call.Println(fmt.Sprintf("embedded redis: %s (nothing is kept when it ends)", server.URL())); err != nil {
		return err
	}
	registry := cli.NewRegistry()
	monitor := cli.Monitor{Config: cfg.Monitoring, Gatherer: registry, Ready: always, Log: call.Log}
	if len(cfg.Handlers) == 0 {
		call.Log.Info("no handlers are configured, so no worker runs here")
		return monitor.Run(ctx, idle)
	}
	where := cli.Connection{RedisURL: cli.RedisURL(server.URL()), Namespace: cfg.Namespace}
	tracer, flush, err := cfg.Tracer(ctx, "drayhorse-dev", call)
	if err != nil {
		return err
	}
	defer flush()
	daemon, err := work.New(&cfg.Tuning, where, call, registry, tracer)
	if err != nil {
		return err
	}
	defer daemon.Close()
	monitor.Ready = daemon.Ready
	return monitor.Run(ctx, daemon.Run)
}

// always is the readiness of a server alone.
func always() error { return nil }

// idle lets the server serve until it is stopped.
func idle(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
