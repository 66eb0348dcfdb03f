// Command bench measures Drayhorse and its peers side by side: one workload, servers
// that it starts itself, every measure interleaved over the systems in one run,
// medians with their spread. Speed is claimed from its output alone.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/drayhorse/drayhorse/bench/internal/measure"
	"github.com/drayhorse/drayhorse/bench/internal/peers"
	"github.com/drayhorse/drayhorse/bench/internal/report"
	"github.com/drayhorse/drayhorse/bench/internal/scale"
	"github.com/drayhorse/drayhorse/bench/internal/systems"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) > 2 && os.Args[1] == "-role" {
		return play(ctx, os.Args[2], os.Args[3:])
	}
	names := flag.String("systems", "", "some of "+strings.Join(systems.Names(), ",")+"; empty: all")
	measures := flag.String("measures", "", "some of "+strings.Join(measure.Names(), ",")+"; empty: all")
	conditions := flag.String("conditions", "", "some of near,far,durable: in memory, 1 ms away, AOF everysec; empty: all")
	curves := flag.String("curves", "", "instead of systems, measure how Drayhorse's costs grow: some of "+strings.Join(scale.Names(), ",")+", or all")
	size := flag.Float64("size", 1, "share of the jobs of those curves")
	out := flag.String("out", "", "directory for the report; empty: print tables alone")
	from := flag.String("from", "", "directory whose page and plots are written again from the figures recorded there; nothing is measured")
	plan := peers.Plan{Progress: os.Stderr}
	flag.IntVar(&plan.Jobs, "jobs", 100_000, "jobs of a measure; slow systems get a part of them")
	flag.IntVar(&plan.ArgBytes, "args", 100, "bytes of a job's arguments")
	flag.IntVar(&plan.Probes, "probes", 500, "jobs for the latency of an idle worker")
	flag.IntVar(&plan.Repeats, "repeats", 5, "runs of each measure in memory; half of it elsewhere")
	flag.IntVar(&plan.Latency, "latency-repeats", 3, "runs of the measure of latency, in memory")
	flag.StringVar(&plan.ProfileOf, "profile-of", "", "SYSTEM/MEASURE whose CPU profile is written")
	flag.StringVar(&plan.Profile, "profile", "cpu.prof", "file for that profile")
	flag.Parse()
	if *from != "" {
		return report.Render(*from)
	}
	if *curves != "" {
		return measureCurves(ctx, scale.Plan{Curves: scale.Choose(*curves), Size: *size, Repeats: min(plan.Repeats, 3), Progress: os.Stderr}, *out)
	}
	return measurePeers(ctx, plan, *names, *measures, *conditions, *out)
}

func command() string { return "go run . " + strings.Join(os.Args[1:], " ") }

func measureCurves(ctx context.Context, plan scale.Plan, out string) error {
	outcome, err := scale.Run(ctx, plan)
	if err != nil {
		return err
	}
	outcome.Machine = report.ThisMachine(command())
	outcome.Print(os.Stdout)
	if out != "" {
		if err := report.SaveCurves(out, outcome); err != nil {
			return err
		}
	}
	if len(outcome.Failed) > 0 {
		return fmt.Errorf("%d curves failed", len(outcome.Failed))
	}
	return nil
}

func measurePeers(ctx context.Context, plan peers.Plan, names, measures, conditions, out string) error {
	var err error
	if plan.Systems, err = systems.Choose(names); err != nil {
		return err
	}
	if plan.Measures, err = measure.Choose(measures); err != nil {
		return err
	}
	if plan.Conditions, err = chooseConditions(conditions); err != nil {
		return err
	}
	outcome, err := peers.Run(ctx, plan)
	if err != nil {
		return err
	}
	outcome.Machine = report.ThisMachine(command())
	outcome.Print(os.Stdout)
	if out != "" {
		if err := report.SavePeers(out, outcome); err != nil {
			return err
		}
	}
	if len(outcome.Failed) > 0 {
		return fmt.Errorf("%d measures failed", len(outcome.Failed))
	}
	return nil
}

func chooseConditions(list string) ([]string, error) {
	known := map[string]string{"near": report.Near, "far": report.Far, "durable": report.Durable}
	if list == "" {
		list = "near,far,durable"
	}
	var chosen []string
	for name := range strings.SplitSeq(list, ",") {
		condition, ok := known[name]
		if !ok {
			return nil, fmt.Errorf("unknown condition %q; want some of near, far, durable", name)
		}
		chosen = append(chosen, condition)
	}
	return chosen, nil
}
