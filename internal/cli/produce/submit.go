package produce

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/conf"
	"github.com/drayhorse/drayhorse/internal/jobjson"
)

type submitConfig struct {
	cli.Common `yaml:",inline"`

	ID     *string `yaml:"-" flag:"id" arg:"ID" usage:"ID of the flow, in place of the file's: as long as that flow is known, it is not begun again"`
	DryRun bool    `yaml:"-" flag:"dry-run" usage:"check the file and store nothing"`
	JSON   bool    `yaml:"-" flag:"json" usage:"print all that is known of the flow, not its ID alone"`
}

// SubmitCommand begins a flow of steps.
func SubmitCommand() *cobra.Command {
	return cli.Def[submitConfig]{
		Name:  "submit",
		Args:  []string{"FILE|-"},
		Short: "Begin a flow of steps, or a batch, from a file",
		Long: `Begin a flow of steps, jobs that come after one another, from a file in YAML or JSON, or from
stdin, and print its ID:

  id: nightly
  steps:
    - {name: dump, kind: dump, args: {database: shop}, timeout: 2h}
    - {name: approved, signal: 8h}
    - {name: load, kind: load, after: [dump, approved]}
    - {name: report, kind: report, after_end: [load], queue: mail}

A step is a job, with the fields of one, or a signal that is waited for. It begins when all that
it comes after have completed (after; after_hold waits for those to be mended) or ended
(after_end). All is stored, or nothing. A flow whose ID is known already is not begun again.

With members instead of steps it is a batch of jobs that are counted together, and the callbacks are
enqueued once, when all have ended, when all have completed, or at the first that has not:

  id: import-42
  on_complete: {kind: report}
  on_failure: {kind: alert}
  members:
    - {kind: row, args: {n: 1}}
    - {kind: row, args: {n: 2}, queue: bulk}`,
		Example: "  drayhorse flows submit nightly.yaml --id nightly-2026-11-29",
		Config:  submitConfig{Common: cli.DefaultCommon()},
		Run:     submit,
	}.Command()
}

// flowLimits bound the file of a flow.
var flowLimits = conf.Limits{Bytes: 16 << 20, Entries: 500_000}

func submit(ctx context.Context, call *cli.Call, cfg *submitConfig) error {
	if cfg.ID != nil {
		if err := flow.ValidateID(*cfg.ID); err != nil {
			return cli.Usagef("--id: %v", err)
		}
	}
	f, err := readFlow(call.Args[0], call.Stdin)
	if err != nil {
		return err
	}
	if cfg.ID != nil {
		f.ID = *cfg.ID
	}
	if cfg.DryRun && f.IsBatch {
		return call.Println(fmt.Sprintf("would make a batch of %d members", len(f.Members)))
	}
	if cfg.DryRun {
		return call.Println(fmt.Sprintf("would begin a flow of %d steps", len(f.Steps)))
	}
	p, err := open(cfg.Connection, call)
	if err != nil {
		return err
	}
	defer p.Close()
	info, err := f.Begin(ctx, p)
	if err != nil {
		return err
	}
	if cfg.JSON {
		return cli.PrintJSON(call.Stdout, info)
	}
	return call.Println(info.ID)
}

// readFlow reads a flow, and checks what can be checked without Redis.
func readFlow(path string, stdin io.Reader) (*jobjson.Flow, error) {
	in, err := openInput(path, "a flow", stdin)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	content, err := io.ReadAll(io.LimitReader(in, int64(flowLimits.Bytes)+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	var text conf.JSON
	lines, err := conf.Decode(path, content, flowLimits, &text)
	if err != nil {
		return nil, cli.Usagef("%v", err)
	}
	f, err := jobjson.ParseFlow(text)
	if wrong, ok := errors.AsType[*jobjson.Error](err); ok {
		err = lines.Locate(&conf.KeyError{Key: wrong.Field, Err: wrong})
	}
	if err == nil && !f.IsBatch {
		_, err = f.Make().Ordered()
	}
	if err != nil {
		return nil, cli.Usagef("%v", err)
	}
	return f, nil
}
