// Package size is the verb that says how large a Redis has to be.
package size

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/internal/cli"
)

type config struct {
	cli.Common `yaml:",inline"`

	Rate       float64       `yaml:"-" flag:"rate" arg:"N" usage:"jobs a second, in the busiest hour"`
	Args       int           `yaml:"-" flag:"args" arg:"BYTES" usage:"arguments of a job"`
	Outage     time.Duration `yaml:"-" flag:"outage" usage:"how long jobs pile up while no worker runs, or what they call is away"`
	Backlog    *int          `yaml:"-" flag:"backlog" arg:"N" usage:"jobs that wait at the worst moment, in place of --outage"`
	Scheduled  int           `yaml:"-" flag:"scheduled" arg:"N" usage:"jobs that wait for their time, retries included"`
	Retain     time.Duration `yaml:"-" flag:"retain" usage:"how long completed jobs are kept (default not at all)"`
	Result     int           `yaml:"-" flag:"result" arg:"BYTES" usage:"result of a job that is kept"`
	Discarded  int           `yaml:"-" flag:"discarded" arg:"N" usage:"jobs a day that are given up or cancelled, which are kept for 30 days"`
	Partitions int           `yaml:"-" flag:"partitions" arg:"N" usage:"partitions of all queues, which bound what is kept"`
	Workers    int           `yaml:"-" flag:"workers" arg:"N" usage:"worker processes"`
	Schedulers int           `yaml:"-" flag:"schedulers" arg:"N" usage:"scheduler processes"`
	Producers  int           `yaml:"-" flag:"producers" arg:"N" usage:"processes that enqueue"`
	CPUs       int           `yaml:"-" flag:"cpus" arg:"N" usage:"CPUs that each of these processes has"`
	JSON       bool          `yaml:"-" flag:"json" usage:"print JSON"`
}

// most bounds what is reckoned with, so that nothing overflows.
const most = 1_000_000_000

// Settle is cli.Settler.
func (c *config) Settle() error {
	if c.Rate < 0 || c.Rate > most {
		return cli.Usagef("--rate %v; want 0 to %d", c.Rate, most)
	}
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{{"outage", c.Outage}, {"retain", c.Retain}} {
		if d.value < 0 || d.value > 10*365*24*time.Hour {
			return cli.Usagef("--%s %v; want 0 to 10 years", d.flag, d.value)
		}
	}
	backlog := 0
	if c.Backlog != nil {
		backlog = *c.Backlog
	}
	for _, n := range []struct {
		flag        string
		value, most int
		least       int
	}{
		{"args", c.Args, 1 << 20, 0}, {"result", c.Result, 1 << 20, 0}, {"backlog", backlog, most, 0}, {"scheduled", c.Scheduled, most, 0},
		{"discarded", c.Discarded, most, 0}, {"partitions", c.Partitions, 1 << 20, 1}, {"workers", c.Workers, 1 << 20, 0},
		{"schedulers", c.Schedulers, 1 << 20, 0}, {"producers", c.Producers, 1 << 20, 0}, {"cpus", c.CPUs, 1024, 1},
	} {
		if n.value < n.least || n.value > n.most {
			return cli.Usagef("--%s %d; want %d to %d", n.flag, n.value, n.least, n.most)
		}
	}
	return nil
}

// Command is the verb.
func Command() *cobra.Command {
	return cli.Def[config]{
		Name:  "size",
		Short: "Reckon how much memory, CPU and how many connections Redis needs",
		Long: `Reckon how much memory, CPU and how many connections Redis needs. It asks no Redis. What a
job takes was measured on Redis 7.0, and is right within 15 % for jobs of one kind; logs,
streams, stack traces and IDs and unique keys of your own come on top.`,
		Example: `  drayhorse size --rate 50 --args 400 --outage 2h --retain 1d --result 100 --workers 4
  drayhorse size --backlog 1000000 --args 200 --json`,
		Config: config{
			Common: cli.DefaultCommon(), Rate: 10, Args: 200, Outage: time.Hour, Result: 50,
			Partitions: 1, Workers: 2, Schedulers: 2, Producers: 2, CPUs: 2,
		},
		Run: func(_ context.Context, call *cli.Call, cfg *config) error {
			n := cfg.need()
			if cfg.JSON {
				return cli.PrintJSON(call.Stdout, n)
			}
			return n.show(call)
		},
	}.Command()
}

// part is what jobs of one sort need.
type part struct {
	What  string `json:"what"`
	Jobs  int    `json:"jobs"`
	Each  int    `json:"bytes_each"`
	Bytes int    `json:"bytes"`
}

// need is what Redis needs.
type need struct {
	Parts       []part   `json:"parts"`
	Bytes       int      `json:"bytes"`
	MaxMemory   int      `json:"maxmemory"` // with room for buffers and for a snapshot
	Connections int      `json:"connections"`
	AtMost      int      `json:"connections_at_most"`
	CPU         float64  `json:"cpu"` // of one core
	Notes       []string `json:"notes,omitempty"`
}

func (c *config) need() *need {
	n := &need{}
	backlog := int(c.Rate * c.Outage.Seconds())
	if c.Backlog != nil {
		backlog = *c.Backlog
	}
	n.add("waiting", backlog, waiting(c.Args))
	n.add("scheduled", c.Scheduled, scheduled(c.Args))
	n.kept("completed", int(c.Rate*c.Retain.Seconds()), c.Partitions, c.Args, c.Result)
	n.kept("discarded", 30*c.Discarded, c.Partitions, c.Args, 200+attemptError)
	const empty = 4 << 20 // scripts, queues, workers, and Redis itself
	n.Bytes += empty
	n.MaxMemory = 2 * n.Bytes
	n.Connections = workerIdle*c.Workers + schedulerIdle*c.Schedulers + producerIdle*c.Producers
	n.AtMost = n.Connections + connectionsEachCPU*c.CPUs*(c.Workers+c.Schedulers+c.Producers)
	n.CPU = c.Rate * cpuOfAJob.Seconds()
	if n.CPU > 0.7 {
		n.Notes = append(n.Notes, fmt.Sprintf("one core of Redis does not do that: want a Cluster, and %.0f partitions or more", math.Ceil(n.CPU/0.7)))
	}
	if n.AtMost > 10_000 {
		n.Notes = append(n.Notes, fmt.Sprintf("the default maxclients is 10000: want %d or more", n.AtMost))
	}
	return n
}

func (n *need) add(what string, jobs, each int) {
	if jobs > 0 {
		n.Parts = append(n.Parts, part{what, jobs, each, jobs * each})
		n.Bytes += jobs * each
	}
}

// kept adds jobs that have ended, as far as they are kept.
func (n *need) kept(what string, jobs, partitions, args, result int) {
	one := keptAtMost(args, result)
	if most := partitions * one; jobs > most {
		n.Notes = append(n.Notes, fmt.Sprintf("of %d %s jobs the last %d are kept, %d in each partition: for all of them want %d partitions or more",
			jobs, what, most, one, (jobs+one-1)/one))
		jobs = most
	}
	n.add(what, jobs, ended(args, result))
}

func (n *need) show(call *cli.Call) error {
	t := cli.NewTable("JOBS", "HOW MANY", "BYTES EACH", "MEMORY")
	for _, p := range n.Parts {
		t.Row(cli.Cell{Text: p.What}, cli.Cell{Text: fmt.Sprint(p.Jobs), Right: true}, cli.Cell{Text: fmt.Sprint(p.Each), Right: true}, cli.Cell{Text: human(p.Bytes), Right: true})
	}
	if err := call.Table(t, "no jobs"); err != nil {
		return err
	}
	lines := []string{
		"",
		"memory        " + human(n.Bytes) + ", so maxmemory " + human(n.MaxMemory) + ", which leaves room for buffers and snapshots",
		fmt.Sprintf("connections   %d when idle, %d at most", n.Connections, n.AtMost),
		fmt.Sprintf("CPU of Redis  %.2f %% of a core", 100*n.CPU),
	}
	for _, note := range n.Notes {
		lines = append(lines, "note          "+note)
	}
	return call.Print(strings.Join(lines, "\n") + "\n")
}

// human gives bytes in a unit that suits.
func human(n int) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.0f MB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.0f KB", float64(n)/(1<<10))
}
