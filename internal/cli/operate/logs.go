package operate

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/printable"
)

type logsConfig struct {
	jobConfig `yaml:",inline"`

	Follow bool `yaml:"-" flag:"follow" short:"f" usage:"go on until the job has ended"`
}

func jobLogs() *cobra.Command {
	return cli.Def[logsConfig]{
		Name: "logs", Args: []string{"ID"},
		Short: "Show the log of a job",
		Long: `Show what the handler of a job has logged with job.Log: of each attempt the last 1,000
lines, of the job 2,000. With --follow, go on until it has ended; it is woken when there is
more. With --json, a line of JSON each.`,
		Example:       "  drayhorse jobs logs hostname --follow",
		Config:        logsConfig{jobConfig: jobConfig{common: defaults()}},
		CompleteFlags: ofQueue[logsConfig](),
		Run:           showLog,
	}.Command()
}

func showLog(ctx context.Context, call *cli.Call, cfg *logsConfig) error {
	shown := 0 // lines, with those that were dropped
	show := func(log *drayhorse.JobLog) error {
		all := log.Dropped + len(log.Lines)
		missed := max(all-shown-len(log.Lines), 0)
		if missed > 0 {
			call.Notef("%d lines are not kept", missed)
		}
		fresh := max(all-shown-missed, 0)
		for _, line := range log.Lines[len(log.Lines)-fresh:] {
			if err := cfg.showLine(call, line); err != nil {
				return err
			}
		}
		shown = all
		return nil
	}
	return cfg.with(call, func(a *admin.Admin) error {
		err := onJob(ctx, a, cfg.Queue, call.Args[0], func(queue, id string) error {
			if cfg.Follow {
				return a.FollowLog(ctx, queue, id, show)
			}
			log, err := a.Log(ctx, queue, id)
			if err != nil {
				return err
			}
			return show(log)
		})
		if cfg.Follow && errors.Is(err, context.Canceled) && ctx.Err() != nil {
			return nil //nolint:nilerr // Ctrl-C
		}
		return err
	})
}

func (c *logsConfig) showLine(call *cli.Call, line drayhorse.LogLine) error {
	if c.JSON {
		return cli.PrintJSONLine(call.Stdout, line)
	}
	text := fmt.Sprintf("%s %-5s [%d] %s", line.At.Local().Format("2006-01-02 15:04:05.000"), line.Level, line.Attempt, printable.Text(line.Message))
	if len(line.Attrs) > 0 {
		text += " " + printable.Text(string(line.Attrs))
	}
	return call.Println(text)
}
