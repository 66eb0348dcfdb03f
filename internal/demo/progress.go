package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
)

// Names of the periodic job, which tells how far the demo is.
const (
	progressQueue = "progress"
	progressKind  = "progress"
	progressEvery = 3 * time.Second
)

// scheduleFile is the config file of the schedulers. All ticks that are missed while
// nobody leads are made up, so that none may be missing at the end.
var scheduleFile = fmt.Sprintf(`schedules:
  - {id: progress, every: %v, kind: %s, queue: %s, retain: 1h, catch_up: all}
`, progressEvery, progressKind, progressQueue)

func writeScheduleFile(path string) error { return os.WriteFile(path, []byte(scheduleFile), 0o600) }

type progressConfig struct {
	cli.Common `yaml:",inline"`

	Files int `yaml:"-" flag:"files" arg:"N" usage:"how many there are"`
}

// progressCommand is what workers run for the periodic job.
func progressCommand() *cobra.Command {
	cmd := cli.Def[progressConfig]{
		Name:   "progress",
		Short:  "Print how many files a demo has digested",
		Config: progressConfig{Common: cli.DefaultCommon()},
		Run: func(ctx context.Context, call *cli.Call, cfg *progressConfig) error {
			a, err := admin.New(admin.Config{RedisURL: cfg.RedisURL.Reveal(), Namespace: cfg.Namespace})
			if err != nil {
				return err
			}
			defer func() { _ = a.Close() }() // only looks
			q, err := look(ctx, a)
			if err != nil {
				return err
			}
			return call.Println(fmt.Sprintf("%d of %d files digested, %d in line, %d running",
				q.Totals["completed"], cfg.Files, q.Available, q.Running))
		},
	}.Command()
	cmd.Hidden = true
	return cmd
}

// look gives the queue of the files, an empty one before the first job is in.
func look(ctx context.Context, a *admin.Admin) (*admin.Queue, error) {
	q, err := a.Queue(ctx, digestQueue)
	if errors.Is(err, drayhorse.ErrNotFound) {
		return &admin.Queue{}, nil
	}
	return q, err
}

// report gives the output of the latest periodic job that completed and its tick;
// zero if there is none.
func report(ctx context.Context, a *admin.Admin) (text string, tick time.Time, err error) {
	page, err := a.Jobs(ctx, admin.Filter{Queue: progressQueue, State: drayhorse.Completed, Limit: 1})
	if errors.Is(err, drayhorse.ErrNotFound) {
		return "", tick, nil
	}
	if err != nil || len(page.Jobs) == 0 {
		return "", tick, err
	}
	job := page.Jobs[0]
	if err := json.Unmarshal(job.Result, &text); err != nil {
		return "", tick, fmt.Errorf("result of job %s: %w", job.ID, err)
	}
	return strings.TrimSpace(text), job.Tick, nil
}
