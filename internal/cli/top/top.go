// Package top is a dashboard on a terminal: drayhorse top. It reads and steers through package
// admin alone.
//
// One goroutine has the model: what is shown, and what keys do to it. Beside it at most one
// reading and one deed are under way, each with a deadline; what they come to is told to the
// model, which alone decides what becomes of it. A list keeps what is chosen by its key (see
// list), and a question what it was opened for, so that nothing that is read moves what somebody
// is about to act on. All text goes to the screen through canvas.put, which makes it printable.
package top

import (
	"context"
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
)

type config struct {
	cli.Common `yaml:",inline"`

	Every    time.Duration `yaml:"-" flag:"every" arg:"D" usage:"how often it is read; at least 500ms"`
	ReadOnly bool          `yaml:"-" flag:"read-only" usage:"show, and change nothing"`
}

// Of how often it is read.
const (
	usualEvery = 2 * time.Second
	leastEvery = 500 * time.Millisecond
	mostEvery  = time.Hour
)

// Settle reports the first impossible value, as drayhorse.ErrInvalid.
func (c *config) Settle() error {
	if c.Every < leastEvery || c.Every > mostEvery {
		return fmt.Errorf("%w: every %v; want %v to %v", drayhorse.ErrInvalid, c.Every, leastEvery, mostEvery)
	}
	return nil
}

// Command is the verb.
func Command() *cobra.Command {
	defaults := config{Common: cli.DefaultCommon(), Every: usualEvery}
	return cli.Def[config]{
		Name:  "top",
		Short: "Watch and steer queues, jobs, workers, schedules and limits on a terminal",
		Long: `Watch and steer queues, jobs, workers, schedules and limits on a terminal.

The keys 1 to 6 show the overview, queues, jobs, workers, schedules and limits; enter goes
in, and esc back. Capital letters change something, and ask before: P pauses and resumes, R
runs a job now or again, C cancels, D deletes, T runs a schedule, B closes a breaker. ? shows
all keys.

It needs a terminal of 40 columns and 10 lines, and reads well from 80 and 24 on. Where there
is none, drayhorse queues list --watch and the like show the same.`,
		Example: "  drayhorse top --every 5s --read-only",
		Config:  defaults,
		Run:     run,
	}.Command()
}

func run(ctx context.Context, call *cli.Call, cfg *config) error {
	switch {
	case !cli.IsTerminal(call.Stdin) || !cli.IsTerminal(call.Stdout):
		return cli.Usagef("this is no terminal; want one, or drayhorse queues list --watch, jobs list --watch or workers list --watch")
	case isDumb(call.LookupEnv):
		return cli.Usagef("the terminal (TERM) cannot move its cursor; want another one, or drayhorse queues list --watch, jobs list --watch or workers list --watch")
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP)
	defer stop()
	settings := admin.Config{RedisURL: cfg.RedisURL.Reveal(), Namespace: cfg.Namespace, Actor: cli.Actor()}
	if !cli.IsTerminal(call.Stderr) {
		settings.Logger = call.Log // what was changed; on the screen it would be in the way
	}
	a, err := admin.New(settings)
	if err != nil {
		return err
	}
	defer a.Close()
	m := newModel(cfg.Namespace+" @ "+strings.TrimPrefix(a.Addr(), "redis://"), cfg.Every, cfg.ReadOnly, time.Now)
	r := newReader(a)
	// A Redis that is not there at all is said as by other verbs, before the screen is taken.
	first := r.read(ctx, m.want())
	rethrow(first.panicked, first.stack)
	if first.err != nil {
		return first.err
	}
	m.take(first)
	s, err := openTerminal(cli.HasColour(call.Stdout, call.LookupEnv))
	if err != nil {
		return fmt.Errorf("take the terminal: %w", err)
	}
	return newApp(m, r, a, s).run(ctx)
}
