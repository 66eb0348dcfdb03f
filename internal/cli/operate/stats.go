package operate

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/figures"
)

type statsConfig struct {
	common `yaml:",inline"`

	cli.Watching `yaml:",inline"`

	Queue  string        `yaml:"-" flag:"queue" arg:"NAME" usage:"of this queue alone (default all, the first 200 by name)"`
	Kind   string        `yaml:"-" flag:"kind" arg:"KIND" usage:"of this kind alone"`
	Since  time.Duration `yaml:"-" flag:"since" usage:"how far back: by the minute up to 72h, by the hour up to 2160h"`
	Step   time.Duration `yaml:"-" flag:"step" usage:"time of one line, such as 1m, 15m, 1h or 24h (default as fits)"`
	ByKind bool          `yaml:"-" flag:"by-kind" usage:"a line for each kind, instead of for each step"`
}

// StatsCommand shows what ended, and how long it took.
func StatsCommand() *cobra.Command {
	return cli.Def[statsConfig]{
		Name:  "stats",
		Short: "Show what ended over time, and how long it waited and ran",
		Long: `Show what ended over time, and how long it waited and ran: jobs completed, discarded and
cancelled, attempts that failed, the median of waits and runs, and the time within which 95 of
100 were. Counts are exact and percentiles within 5 %. Waits are those for the first attempt.
Where jobs have groups, GROUPS is how many different ones had jobs run, within some 2 %: in the
minute of the line that had the most, or in the hour, where the step is hours.`,
		Example: `  drayhorse stats --since 24h --step 1h
  drayhorse stats --queue mail --by-kind --since 72h`,
		Config:        statsConfig{common: defaults(), Since: time.Hour},
		CompleteFlags: ofQueue[statsConfig](),
		Run: func(ctx context.Context, call *cli.Call, cfg *statsConfig) error {
			switch {
			case cfg.Since < time.Minute || cfg.Since > admin.KeepHours:
				return cli.Usagef("--since %v; want 1m to %v", cfg.Since, admin.KeepHours)
			case cfg.Step < 0:
				return cli.Usagef("--step %v; want 1m or more", cfg.Step)
			}
			return watch(ctx, &cfg.common, &cfg.Watching, call, func(a *admin.Admin) (*admin.Series, error) {
				return a.Series(ctx, admin.SeriesQuery{Queue: cfg.Queue, Kind: cfg.Kind, From: time.Now().Add(-cfg.Since), Step: cfg.Step})
			}, func(call *cli.Call, s *admin.Series) error { return showSeries(call, s, cfg.ByKind) })
		},
	}.Command()
}

func showSeries(call *cli.Call, s *admin.Series, byKind bool) error {
	first := "FROM"
	if byKind {
		first = "KIND"
	}
	columns := []string{first, "COMPLETED", "FAILED", "DISCARDED", "CANCELLED", "SNOOZED", "WAIT P50", "P95", "RUN P50", "P95"}
	grouped := s.Total.Groups > 0 && !byKind
	if grouped {
		columns = append(columns, "GROUPS")
	}
	t := cli.NewTable(columns...)
	row := func(name string, p *admin.Point) {
		number := func(n int64, colour cli.Colour) cli.Cell {
			if n == 0 {
				colour = cli.Dim
			}
			return cli.Cell{Text: strconv.FormatInt(n, 10), Right: true, Colour: colour}
		}
		took := func(of *admin.Times, d time.Duration) cli.Cell {
			if of.Count == 0 {
				return cli.Cell{Text: "-", Right: true, Colour: cli.Dim}
			}
			return cli.Cell{Text: figures.Took(d), Right: true}
		}
		cells := []cli.Cell{
			{Text: name}, number(p.Completed, cli.Green), number(p.Failed, cli.Yellow), number(p.Discarded, cli.Red), number(p.Cancelled, cli.Plain), number(p.Snoozed, cli.Plain),
			took(&p.Wait, p.Wait.P50), took(&p.Wait, p.Wait.P95), took(&p.Run, p.Run.P50), took(&p.Run, p.Run.P95),
		}
		if grouped {
			cells = append(cells, number(p.Groups, cli.Plain))
		}
		t.Row(cells...)
	}
	if byKind {
		for i := range s.Kinds {
			row(s.Kinds[i].Kind, &s.Kinds[i].Point)
		}
	} else {
		for i := range s.Points {
			row(s.Points[i].At.Local().Format("2006-01-02 15:04"), &s.Points[i])
		}
	}
	row("total", &s.Total)
	if err := call.Table(t, "nothing ended"); err != nil {
		return err
	}
	if s.Read < s.Queues {
		call.More("of the first %d of %d queues, by name; want --queue for another", s.Read, s.Queues)
	}
	return nil
}
