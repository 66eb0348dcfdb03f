package migrate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hibiken/asynq"
	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/conf"
	"github.com/drayhorse/drayhorse/internal/drain"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// AsynqCommand is the verbs for installations of asynq.
func AsynqCommand() *cobra.Command {
	return cli.Group("asynq", "Move from asynq", drainCommand())
}

type drainConfig struct {
	cli.Common `yaml:",inline"`

	From   cli.RedisURL `yaml:"-" flag:"from" arg:"URL" usage:"where asynq's Redis is, in the forms of --redis (required)"`
	Queues names        `yaml:"-" flag:"queue" arg:"NAME" usage:"move this queue alone; may be given several times (default all)"`
	Rename renames      `yaml:"-" flag:"rename" arg:"OLD=NEW" usage:"have asynq's queue OLD become NEW here; may be given several times"`
	DryRun bool         `yaml:"-" flag:"dry-run" usage:"say what there is to move, and change nothing"`
	Follow bool         `yaml:"-" flag:"follow" usage:"go on with what asynq's producers write, until interrupted"`
	JSON   bool         `yaml:"-" flag:"json" usage:"print JSON"`
}

// names are names of queues, one a flag or with commas between them.
type names []string

// Add takes NAME,...
func (n *names) Add(text string) error {
	*n = append(*n, strings.Split(text, ",")...)
	return nil
}

// String gives them as Add takes them.
func (n names) String() string { return strings.Join(n, ",") }

// renames are names of queues here, by those that they have in asynq.
type renames map[string]string

// Add takes OLD=NEW. The names of asynq's queues may have anything in them.
func (r *renames) Add(text string) error {
	at := strings.LastIndex(text, "=")
	if at < 1 || drayhorse.ValidateQueue(text[at+1:]) != nil {
		return &conf.ValueError{Text: text, Want: "OLD=NEW with a new name of letters, digits and _ . : -"}
	}
	if *r == nil {
		*r = renames{}
	}
	(*r)[text[:at]] = text[at+1:]
	return nil
}

// String gives them one after the other.
func (r renames) String() string {
	var items []string
	for _, old := range slices.Sorted(maps.Keys(r)) {
		items = append(items, old+"="+r[old])
	}
	return strings.Join(items, " ")
}

// Settle reports what is missing.
func (c *drainConfig) Settle() error {
	if c.From.Reveal() == "" {
		return cli.Usagef("no --from is given; want the URL of asynq's Redis")
	}
	if c.DryRun && c.Follow {
		return cli.Usagef("--dry-run and --follow are given together; want one of them")
	}
	return nil
}

func drainCommand() *cobra.Command {
	defaults := drainConfig{Common: cli.DefaultCommon()}
	defaults.LogLevel = "warn" // what was done is on stdout
	return cli.Def[drainConfig]{
		Name:  "drain",
		Short: "Move the tasks of an asynq installation here",
		Long: `Move the tasks of an asynq installation here: pending, scheduled, retry and archived
ones, with their IDs, payloads, due times and retry counts. Asynq's producers may go
on writing. Its queues are paused first, so that its workers finish what they run and
take no more; they stay paused.

A task is stored here before it is removed there, and one ID is stored once: a drain
that was interrupted, or killed, is run again and goes on.`,
		Example: "  drayhorse asynq drain --from redis://10.0.0.1:6379/0 --dry-run\n" +
			"  drayhorse asynq drain --from redis://10.0.0.1:6379/0 --follow",
		Config: defaults,
		Run:    runDrain,
	}.Command()
}

func runDrain(ctx context.Context, call *cli.Call, cfg *drainConfig) error {
	from, err := redis.Open(redis.Config{URL: cfg.From.Reveal()})
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	defer from.Close()
	if err := from.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("%w: asynq's, at %s: %w", drayhorse.ErrUnavailable, from.Addr(), err)
	}
	to, err := redis.Open(redis.Config{URL: cfg.RedisURL.Reveal()})
	if err != nil {
		return err
	}
	defer to.Close()
	show := newProgress(call.Stderr)
	d := drain.New(drain.Config{
		From: asynq.NewInspectorFromRedisClient(from.UniversalClient), To: jobs.New(to, cfg.Namespace),
		Queues: cfg.Queues, Rename: cfg.Rename, Follow: cfg.Follow, Progress: show.show, Logger: call.Log,
	})
	if cfg.DryRun {
		queues, err := d.Look()
		if err != nil {
			return err
		}
		return cfg.reportLook(call, queues, d.Skipped())
	}
	if err := to.Check(ctx); err != nil {
		return err
	}
	queues, err := d.Run(ctx)
	show.done()
	if err != nil && len(queues) == 0 {
		return err
	}
	if said := cfg.reportRun(call, queues, d.Skipped()); err == nil {
		err = said
	}
	return err
}
