package demo

import (
	"context"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli"
)

type config struct {
	Dir         string   `yaml:"-" flag:"dir" arg:"DIR" usage:"digest the files below this directory (default the source tree of the go command)"`
	Files       int      `yaml:"-" flag:"files" arg:"N" usage:"digest only the first N files"`
	Concurrency int      `yaml:"-" flag:"concurrency" arg:"N" usage:"how many files each worker digests at once"`
	Embedded    bool     `yaml:"-" flag:"embedded" usage:"use the embedded server even where redis-server is installed"`
	Sabotage    sabotage `yaml:"-" flag:"sabotage" usage:"break one record, to see the demo fail: wrong-digest, missing or double"`
}

// fewest is how many files there must be for a worker to be killed midway.
const fewest = 100

// Settle reports the first impossible value, as drayhorse.ErrInvalid.
func (c *config) Settle() error {
	if c.Files != 0 && c.Files < fewest {
		return fmt.Errorf("%w: files %d; want %d or more, so that a worker can be killed midway", drayhorse.ErrInvalid, c.Files, fewest)
	}
	if c.Concurrency < 1 {
		return fmt.Errorf("%w: concurrency %d; want 1 or more", drayhorse.ErrInvalid, c.Concurrency)
	}
	return c.Sabotage.validate()
}

// concurrencyPerCPU keeps the CPUs busy while digests of small files mostly wait
// for a process to start and end.
const concurrencyPerCPU = 4

// Command is the command.
func Command() *cobra.Command {
	cmd := cli.Def[config]{
		Name:  "demo",
		Short: "Hash a source tree with real workers, and kill one midway",
		Long: `Run the main job on real files, in real processes: a producer imports one job for
each file of a source tree, two workers compute the SHA-256 of each, and one of
them is killed midway. Two schedulers enqueue a periodic job that reports progress,
and the one that leads is killed too. It exits by itself, with code 0 only if every
file's digest is right and recorded exactly once, and no tick is missing.

It brings its own Redis: redis-server where that is installed, else the embedded
server. Nothing is left behind.`,
		Example: "  drayhorse demo\n  drayhorse demo --dir ~/src --files 1000",
		Config:  config{Concurrency: concurrencyPerCPU * runtime.NumCPU()},
		Run:     run,
	}.Command()
	_ = cmd.Flags().MarkHidden("sabotage") // it exists
	cmd.AddCommand(digestCommand(), progressCommand())
	return cmd
}

func run(ctx context.Context, call *cli.Call, cfg *config) (err error) {
	ctx, hangUp := onHangUp(ctx)
	defer hangUp()
	d := &demo{cfg: cfg, console: newConsole(call, hangUp)}
	if d.stage, err = openStage(); err != nil {
		return err
	}
	defer func() {
		d.console.clear()
		if failed := d.stage.close(); err == nil {
			err = failed
		}
	}()
	return d.run(ctx)
}
