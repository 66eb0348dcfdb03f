// Command bench measures Drayhorse and its peers side by side: one workload, one
// Redis that it starts itself, every measure interleaved over the systems in one
// run, medians with their spread. Speed is claimed from its output alone.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"strings"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	names := flag.String("systems", "drayhorse", "comma-separated: "+strings.Join(known(), ", "))
	var w workload
	flag.IntVar(&w.jobs, "jobs", 100_000, "jobs of a drain")
	flag.IntVar(&w.argBytes, "args", 100, "bytes of a job's arguments")
	flag.IntVar(&w.concurrency, "concurrency", 100, "handlers at once")
	flag.IntVar(&w.probes, "probes", 300, "jobs for the latency of an idle worker")
	repeats := flag.Int("repeats", 3, "runs of each measure")
	profile := flag.String("cpuprofile", "", "write a CPU profile of the drains to a file")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	server, err := startRedis(ctx)
	if err != nil {
		return err
	}
	defer server.stop()
	systems, err := choose(*names)
	if err != nil {
		return err
	}
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	fmt.Printf("%d CPUs, %s, redis %s without persistence on loopback; %d no-op jobs, %d bytes of arguments, concurrency %d, %d repeats\n\n",
		runtime.NumCPU(), runtime.Version(), server.version, w.jobs, w.argBytes, w.concurrency, *repeats)
	var t table
	for range *repeats {
		for _, s := range systems {
			fmt.Fprintf(os.Stderr, "measuring %s\n", s.name)
			if err := measure(ctx, server, s, w, &t); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	t.print(os.Stdout, systems)
	return nil
}
