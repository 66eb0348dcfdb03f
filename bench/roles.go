package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/drayhorse/drayhorse/bench/internal/measure"
	"github.com/drayhorse/drayhorse/bench/internal/scale"
	"github.com/drayhorse/drayhorse/bench/internal/store"
)

// play runs this program as one of the processes that a measurement consists of.
func play(ctx context.Context, role string, args []string) error {
	flags := flag.NewFlagSet(role, flag.ContinueOnError)
	request := flags.String("request", "", "what to measure")
	target := flags.String("target", "", "where a proxy leads")
	delay := flags.Duration("delay", 0, "of a proxy, in each direction")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch role {
	case "measure":
		return measure.Serve(ctx, os.Stdout, *request)
	case "crew":
		return scale.ServeCrew(ctx, os.Stdin, os.Stdout, *request)
	case "nats":
		return store.ServeNATS(os.Stdin, os.Stdout)
	case "proxy":
		return store.ServeProxy(os.Stdin, os.Stdout, *target, *delay)
	}
	return fmt.Errorf("unknown role %q", role)
}
