package schedule

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/schedules"
	"github.com/drayhorse/drayhorse/scheduler"
	"github.com/drayhorse/drayhorse/tracing"
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

// Command is the scheduler daemon, with the verbs that an operator needs most.
func Command() *cobra.Command {
	var cmd *cobra.Command
	cmd = cli.Def[config]{
		Name:  "scheduler",
		Short: "Enqueue jobs at the ticks of schedules",
		Long: `Enqueue jobs at the ticks of schedules, one job a tick however many schedulers
run: one leads, the others follow it when it ends. For example

  schedules:
    - id: digest-nightly
      cron: "0 3 * * *"
      timezone: Europe/Paris
      kind: digest
      args: {path: /etc/hostname}

What the config file declares is written to Redis when the scheduler starts, and
what it declares no more is removed; schedules of other files and sources, and those
added with drayhorse schedules add, are left alone. Stopped, it hands over at once.`,
		Stops:   true,
		Example: "  scheduler --config scheduler.yaml --metrics :9091",
		Config:  config{Common: cli.DefaultCommon(), Tuning: DefaultTuning()},
		Check: func(_ context.Context, call *cli.Call, cfg *config) error {
			_, err := New(&cfg.Tuning, cfg.Connection, call, nil, nil, "")
			return err
		},
		Run: func(ctx context.Context, call *cli.Call, cfg *config) error {
			return run(ctx, call, cfg, configFile(cmd, call))
		},
	}.Command()
	cmd.AddCommand(listVerb(), triggerVerb(), pauseVerb(), resumeVerb(), diffVerb())
	return cmd
}

func run(ctx context.Context, call *cli.Call, cfg *config, file string) error {
	registry := cli.NewRegistry()
	tracer, flush, err := cfg.Tracer(ctx, "drayhorse-scheduler", call)
	if err != nil {
		return err
	}
	defer flush()
	s, err := New(&cfg.Tuning, cfg.Connection, call, registry, tracer, file)
	if err != nil {
		return err
	}
	monitor := cli.Monitor{Config: cfg.Monitoring, Gatherer: registry, Ready: s.Ready, Log: call.Log}
	defer call.OnStop(ctx, handsOver)()
	return monitor.Run(ctx, s.Run)
}

// handsOver says what a scheduler waits for when it is stopped: that Redis takes back
// its lease, if it leads.
func handsOver() string { return "handing over, which takes up to 5s where Redis is away" }

// defaultSource is the source of a config file that names none: two files are two
// sources. A link is not followed, since Kubernetes changes where it leads.
func defaultSource(file string) string {
	path, err := filepath.Abs(file)
	if err != nil {
		path = file
	}
	return schedules.DefaultSource(path)
}

// New makes the scheduler that a configuration describes; file is where it was
// read, or "", and tracer may be nil. It does not connect.
func New(
	t *Tuning, where cli.Connection, call *cli.Call, registerer prometheus.Registerer, tracer *tracing.Tracer, file string,
) (*scheduler.Scheduler, error) {
	cfg := scheduler.Config{
		RedisURL: where.RedisURL.Reveal(), Namespace: where.Namespace, Source: t.Source,
		DeclaredAt: declaredAt(t, file), LeaseTTL: t.LeaseTTL, Identity: t.Identity, Logger: call.Log, Registerer: registerer,
	}
	if tracer != nil {
		cfg.Tracer = tracer
	}
	if t.Schedules != nil { // an empty list declares that there are none
		cfg.DefaultSource = defaultSource(file)
	}
	s, err := scheduler.New(cfg)
	if err != nil {
		return nil, err
	}
	for i := range t.Schedules {
		schedule, err := t.Schedules[i].schedule()
		if err == nil {
			err = s.Add(schedule)
		}
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// noDate is the time before which the date of a file says nothing: images and archives
// that are to be the same whenever they are made have files of 1970, or 1980.
var noDate = time.Date(1980, time.January, 3, 0, 0, 0, 0, time.UTC)

// declaredAt is when the schedules were declared: the newer of two files wins. The zero
// time is when the scheduler starts.
func declaredAt(t *Tuning, file string) time.Time {
	if at, _ := moment("declared_at", t.DeclaredAt); !at.IsZero() || file == "" { // it was checked
		return at
	}
	info, err := os.Stat(file)
	if err != nil { // it was read a moment ago
		return time.Time{}
	}
	if info.ModTime().Before(noDate) {
		return time.Time{}
	}
	return info.ModTime()
}

// configFile is where the config of a command was read, "" for nowhere.
func configFile(cmd *cobra.Command, call *cli.Call) string {
	if f := cmd.Flags().Lookup("config"); f != nil && f.Changed {
		return f.Value.String()
	}
	file, _ := call.LookupEnv("DRAYHORSE_CONFIG")
	return file
}
