package schedule

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
)

type addConfig struct {
	common `yaml:",inline"`

	Cron     string         `yaml:"-" flag:"cron" arg:"CRON" usage:"when, in five fields or six with seconds in front"`
	Every    *time.Duration `yaml:"-" flag:"every" usage:"how often, at least 1s"`
	Manual   bool           `yaml:"-" flag:"manual" usage:"fires only when it is triggered"`
	Paused   bool           `yaml:"-" flag:"paused" usage:"fires only after it is resumed"`
	Timezone string         `yaml:"-" flag:"timezone" arg:"NAME" usage:"zone of --cron (default UTC)"`
	Start    *time.Time     `yaml:"-" flag:"start" arg:"RFC3339" usage:"no tick before it"`
	End      *time.Time     `yaml:"-" flag:"end" arg:"RFC3339" usage:"no tick after it"`
	Jitter   time.Duration  `yaml:"-" flag:"jitter" usage:"delay each job by up to that"`

	Kind        string              `yaml:"-" flag:"kind" arg:"NAME" usage:"kind of the jobs (required)"`
	Args        string              `yaml:"-" flag:"args" arg:"JSON" usage:"arguments of the jobs"`
	Queue       *string             `yaml:"-" flag:"queue" arg:"NAME" usage:"queue of the jobs (default \"default\")"`
	MaxAttempts *int                `yaml:"-" flag:"max-attempts" arg:"N" usage:"how often a job may fail (default 25)"`
	Timeout     *time.Duration      `yaml:"-" flag:"timeout" usage:"how long one attempt may take (default 30m)"`
	Retain      *time.Duration      `yaml:"-" flag:"retain" usage:"keep jobs that long after they completed"`
	StartWithin *time.Duration      `yaml:"-" flag:"start-within" usage:"discard a job that has not started within that time"`
	Priority    *drayhorse.Priority `yaml:"-" flag:"priority" arg:"PRIORITY" values:"low,normal,high,urgent" usage:"which of the jobs that wait start first: low, normal, high or urgent (default normal)"`
	Group       *string             `yaml:"-" flag:"group" arg:"GROUP" usage:"the group of the jobs, such as a tenant: groups of a queue take turns"`
	Tags        cli.Tags            `yaml:"-" flag:"tag" arg:"TAG" usage:"a word by which the jobs are found later; may come several times"`

	CatchUp       string        `yaml:"-" flag:"catch-up" arg:"POLICY" values:"skip,last,all" usage:"which missed ticks are made up: skip, last or all (default last)"`
	CatchUpWindow time.Duration `yaml:"-" flag:"catch-up-window" usage:"how old a tick may be to be made up"`
	CatchUpMax    int           `yaml:"-" flag:"catch-up-max" arg:"N" usage:"the most ticks that are made up at once"`
	Overlap       string        `yaml:"-" flag:"overlap" arg:"POLICY" values:"allow,skip,queue,replace" usage:"while the last job has not ended: allow, skip, queue or replace (default allow)"`

	Replace bool `yaml:"-" flag:"replace" usage:"replace a schedule of that ID"`
}

func addVerb() *cobra.Command {
	return cli.Def[addConfig]{
		Name: "add", Args: []string{"ID"},
		Short:   "Add a schedule, beside those that config files declare",
		Example: `  drayhorse schedules add digest-nightly --cron "0 3 * * *" --kind digest --args '{"path":"/etc/hostname"}'`,
		Config:  addConfig{common: defaults()},
		Run: func(ctx context.Context, call *cli.Call, cfg *addConfig) error {
			d, err := cfg.declaration(call.Args[0])
			if err != nil {
				return err
			}
			return cfg.with(call, func(a *admin.Admin) error {
				if err := a.AddSchedule(ctx, d, cfg.Replace); err != nil {
					return err
				}
				WarnUnled(ctx, call, a)
				return cfg.Done(call, "added "+d.ID, map[string]any{"id": d.ID, "done": "added"})
			})
		},
	}.Command()
}

func (c *addConfig) declaration(id string) (admin.Declaration, error) {
	var options []drayhorse.Option
	option(&options, c.Queue, drayhorse.Queue)
	option(&options, c.MaxAttempts, drayhorse.MaxAttempts)
	option(&options, c.Timeout, drayhorse.Timeout)
	option(&options, c.Retain, drayhorse.Retain)
	option(&options, c.StartWithin, drayhorse.StartWithin)
	option(&options, c.Priority, func(p drayhorse.Priority) drayhorse.Option { return p })
	option(&options, c.Group, drayhorse.Group)
	if len(c.Tags) > 0 {
		options = append(options, drayhorse.Tags(c.Tags...))
	}
	settings, err := drayhorse.Resolve(options...)
	if err != nil {
		return admin.Declaration{}, err
	}
	if c.Every != nil && *c.Every <= 0 {
		return admin.Declaration{}, fmt.Errorf("%w: --every %v; want at least 1s", drayhorse.ErrInvalid, *c.Every)
	}
	d := admin.Declaration{
		ID: id, Cron: c.Cron, Every: orZero(c.Every), Manual: c.Manual, Paused: c.Paused, Timezone: c.Timezone, Start: orZero(c.Start), End: orZero(c.End), Jitter: c.Jitter,
		Kind: c.Kind, Args: json.RawMessage(c.Args), Queue: settings.Queue, MaxAttempts: settings.MaxAttempts,
		Timeout: settings.Timeout, Retain: settings.Retain, StartWithin: settings.StartWithin, Priority: settings.Priority, Group: settings.Group, Tags: settings.Tags,
		CatchUp: c.CatchUp, CatchUpWindow: c.CatchUpWindow, CatchUpMax: c.CatchUpMax, Overlap: c.Overlap,
	}
	return d, nil
}
