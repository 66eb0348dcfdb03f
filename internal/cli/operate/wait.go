package operate

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
)

type waitConfig struct {
	jobConfig `yaml:",inline"`

	Timeout time.Duration `yaml:"-" flag:"timeout" usage:"how long to wait at most (default until it has ended)"`
}

func waitJob() *cobra.Command {
	return cli.Def[waitConfig]{
		Name: "wait", Args: []string{"ID"},
		Short: "Wait until a job has ended, and fail unless it completed",
		Long: `Wait until a job has ended, say how, and fail unless it completed. It is woken when the
job ends; outages of Redis are waited out. A signal ends the wait, and the job goes on.`,
		Example:       "  drayhorse jobs wait hostname --timeout 1m --json",
		Config:        waitConfig{jobConfig: jobConfig{common: defaults()}},
		CompleteFlags: ofQueue[waitConfig](),
		Run:           waitForJob,
	}.Command()
}

func waitForJob(ctx context.Context, call *cli.Call, cfg *waitConfig) error {
	if cfg.Timeout < 0 {
		return cli.Usagef("--timeout %v; want 0 or more", cfg.Timeout)
	}
	limited, begun := ctx, time.Now()
	if cfg.Timeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, cfg.Timeout)
		defer cancel()
	}
	return cfg.with(call, func(a *admin.Admin) error {
		var info *drayhorse.Info
		id := call.Args[0]
		err := onJob(limited, a, cfg.Queue, id, func(queue, whole string) (err error) {
			id = whole
			info, err = a.Wait(limited, queue, whole)
			return err
		})
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("%w; job %s goes on", context.Cause(ctx), id)
		case err != nil && cfg.Timeout > 0 && time.Since(begun) >= cfg.Timeout: // whatever was under way then
			return fmt.Errorf("job %s has not ended within %v", id, cfg.Timeout)
		case err != nil:
			return err
		}
		if cfg.JSON {
			err = cli.PrintJSON(call.Stdout, info)
		} else {
			err = showJob(call, seenJob{Info: info})
		}
		if err == nil && info.State != drayhorse.Completed {
			err = fmt.Errorf("job %s was %s", info.ID, info.State)
		}
		return err
	})
}
