package work

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/handlers"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/tracing"
	"github.com/drayhorse/drayhorse/worker"
)

type config struct {
	cli.Common     `yaml:",inline"`
	cli.Monitoring `yaml:",inline"`
	Tuning         `yaml:",inline"`
}

// Settle settles the parts.
func (c *config) Settle() error {
	if err := c.Validate(); err != nil {
		return err
	}
	return c.Tuning.Settle()
}

// Command is the worker daemon.
func Command() *cobra.Command {
	return cli.Def[config]{
		Name:  "worker",
		Short: "Run jobs with the handlers of a config file",
		Long: `Run jobs with the handlers of a config file, for example

  queues: {critical: 6, default: 1}
  concurrency: 20
  handlers:
    digest: {exec: {command: ["sha256sum", "{{path}}"], timeout: 1m}}
    notify: {http: {url: "https://example.com/hooks", timeout: 10s}}

Stopped, it claims no more jobs, waits for those that run and hands the rest back.
SIGTSTP makes it quiet: it claims no more jobs.`,
		Stops:   true,
		Example: "  worker --config worker.yaml --queue critical=6 --queue default --metrics :9090",
		Config:  config{Common: cli.DefaultCommon(), Tuning: DefaultTuning()},
		Check: func(_ context.Context, call *cli.Call, cfg *config) error {
			if err := Check(&cfg.Tuning, call); err != nil {
				return err
			}
			return cfg.hasHandlers()
		},
		Run: run,
	}.Command()
}

func run(ctx context.Context, call *cli.Call, cfg *config) error {
	registry := cli.NewRegistry()
	tracer, flush, err := cfg.Tracer(ctx, "drayhorse-worker", call)
	if err != nil {
		return err
	}
	defer flush()
	daemon, err := New(&cfg.Tuning, cfg.Connection, call, registry, tracer)
	if err != nil {
		return err
	}
	defer daemon.Close()
	if err := cfg.hasHandlers(); err != nil {
		return err
	}
	monitor := cli.Monitor{Config: cfg.Monitoring, Gatherer: registry, Ready: daemon.Ready, Log: call.Log}
	defer call.OnStop(ctx, daemon.Waits)()
	return monitor.Run(ctx, daemon.Run)
}

func (c *config) hasHandlers() error {
	if len(c.Handlers) == 0 {
		return fmt.Errorf("%w: no handlers; want at least one, under handlers in the file of --config", drayhorse.ErrInvalid)
	}
	return nil
}

// Check reports what New would refuse.
func Check(t *Tuning, call *cli.Call) error {
	quiet := *call
	quiet.Log = slog.New(slog.DiscardHandler)
	daemon, err := New(t, cli.DefaultConnection(), &quiet, nil, nil)
	if err != nil {
		return err
	}
	daemon.Close()
	return nil
}

// Daemon is a worker with the handlers of a configuration.
type Daemon struct {
	*worker.Worker

	handlers *handlers.Set
	stop     func()
	running  atomic.Int64 // handlers
	patience time.Duration
}

// Waits says what the worker waits for when it is stopped.
func (d *Daemon) Waits() string {
	n := int(d.running.Load())
	if n > 0 && d.patience == 0 {
		return "handing back the jobs that run"
	}
	return cli.WaitingFor(d.patience, n, "job")
}

// count counts handlers that run.
func (d *Daemon) count(next worker.Handler) worker.Handler {
	return func(ctx context.Context, job *drayhorse.Job[json.RawMessage]) error {
		d.running.Add(1)
		defer d.running.Add(-1)
		return next(ctx, job)
	}
}

// New makes the worker that a configuration describes; tracer may be nil. It does not
// connect. Where commands run, it hides the memory of the process from them. It is quiet after SIGTSTP until it is closed.
func New(
	t *Tuning, where cli.Connection, call *cli.Call, registerer prometheus.Registerer, tracer *tracing.Tracer,
) (*Daemon, error) {
	set, err := handlers.Build(t.Handlers, handlers.Options{Logger: call.Log, LookupEnv: call.LookupEnv})
	if err != nil {
		return nil, err
	}
	cfg := t.worker()
	cfg.RedisURL, cfg.Namespace = where.RedisURL.Reveal(), where.Namespace
	cfg.Logger, cfg.Registerer = call.Log, registerer
	w, err := worker.New(cfg)
	if err != nil {
		set.Close()
		return nil, err
	}
	if tracer != nil {
		w.Use(tracing.Middleware[worker.Handler](tracer))
	}
	d := &Daemon{Worker: w, handlers: set, patience: t.ShutdownTimeout}
	w.Use(d.count)
	for kind, handler := range set.Funcs {
		worker.HandleKind(w, kind, handler)
	}
	call.Log.Debug("handlers are ready", slog.Int("kinds", len(set.Funcs)))
	if handlers.HasCommands(t.Handlers) {
		if err := hideMemory(); err != nil {
			call.Log.Warn("commands can read the memory and environment of this worker", slog.String(logs.Error, err.Error()))
		}
	}
	d.stop = cli.OnQuiet(w.Quiet)
	return d, nil
}

// Close lets go of what the handlers hold. Call it when Run has returned.
func (d *Daemon) Close() {
	d.stop()
	d.handlers.Close()
}
