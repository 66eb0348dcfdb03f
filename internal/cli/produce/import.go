package produce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/httpapi"
	"github.com/drayhorse/drayhorse/internal/jobjson"
	"github.com/drayhorse/drayhorse/internal/printable"
	"github.com/drayhorse/drayhorse/producer"
)

type importConfig struct {
	cli.Common `yaml:",inline"`

	Rejects   string `yaml:"-" flag:"rejects" arg:"FILE" usage:"write bad lines to this file, unchanged"`
	MaxQueues int    `yaml:"max_queues" arg:"N" usage:"queues there may be, from which on no more are created; 0: no limit"`

	DryRun bool `yaml:"-" flag:"dry-run" usage:"check all lines and store nothing"`
}

func importCommand() *cobra.Command {
	return cli.Def[importConfig]{
		Name:  "import",
		Args:  []string{"FILE|-"},
		Short: "Enqueue many jobs, one JSON object a line",
		Long: `Enqueue many jobs, one JSON object a line, from a file or from stdin:

  {"kind": "digest", "args": {"path": "/etc/hostname"}, "queue": "files", "id": "hostname"}

The fields are ` + jobjson.FieldNames + `; kind is required.
A bad line is explained, counted and skipped. Importing a file again
adds nothing twice for lines with an id.`,
		Stops:   true,
		Example: "  producer import jobs.ndjson --rejects bad.ndjson",
		Config:  importConfig{Common: cli.DefaultCommon(), MaxQueues: httpapi.DefaultLimits().MaxQueues},
		Run:     runImport,
	}.Command()
}

// Settle reports the first impossible value, as drayhorse.ErrInvalid.
func (c *importConfig) Settle() error {
	if c.MaxQueues < 0 {
		return fmt.Errorf("%w: max_queues %d; want a positive number, or 0 for no limit", drayhorse.ErrInvalid, c.MaxQueues)
	}
	return nil
}

func runImport(ctx context.Context, call *cli.Call, cfg *importConfig) error {
	in, err := openInput(call.Args[0], "one job a line", call.Stdin)
	if err != nil {
		return err
	}
	defer in.Close()
	bad, err := createRejects(cfg.Rejects, in)
	if err != nil {
		return err
	}
	defer bad.Close()
	var p enqueuer = dryRun{}
	if !cfg.DryRun {
		patient := config(cfg.Connection, call)
		patient.Patience, patient.MaxQueues = patience, cfg.MaxQueues
		enduring, err := producer.New(patient)
		if err != nil {
			return err
		}
		defer closeSoon(enduring)
		p = enduring
	}
	im := &importer{
		producer: p, reader: &reader{lines: jobjson.NewLines(in, jobjson.MaxLine), rejects: bad}, progress: newProgress(call.Stderr, in.size),
	}
	if err = im.run(ctx); errors.Is(err, errArray) {
		return errArray
	}
	return im.report(call.Stderr, cfg.DryRun, errors.Join(err, bad.Close()))
}

// closeSoon closes a producer, whose last call may be waiting for a Redis that is
// away.
func closeSoon(p io.Closer) {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = p.Close()
	}()
	select {
	case <-closed:
	case <-time.After(grace): // the end of the program ends it
	}
}

// importer stores what a reader reads.
type importer struct {
	producer enqueuer
	reader   *reader
	progress progress
	total    tally
}

// ahead is how many batches are read while one is stored.
const ahead = 2

// run imports until the input or ctx ends, or something fails.
func (im *importer) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	batches := make(chan *batch, ahead)
	read := make(chan error, 1)
	go func() { read <- im.reader.run(ctx, batches) }()
	defer im.progress.done()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case b, more := <-batches:
			if !more {
				return <-read
			}
			if err := im.store(ctx, b); err != nil {
				return err
			}
		}
	}
}

func (im *importer) store(ctx context.Context, b *batch) error {
	for _, reason := range b.reasons {
		im.progress.say(reason)
	}
	var said time.Time // that it waits
	err := b.send(ctx, im.producer, im.reject, func(err error) {
		switch now := time.Now(); {
		case errors.Is(err, errStopping):
			im.progress.say(err.Error())
		case now.Sub(said) >= sayEvery: // it is tried every second
			im.progress.say(fmt.Sprintf("waiting for redis: %v", err))
			said = now
		}
	})
	if err != nil {
		b.line, b.tally.bytes = im.total.line, im.total.bytes // not all of it
	}
	im.total.add(b.tally)
	im.progress.show(&im.total)
	return err
}

// reject explains a line whose queue is full, and keeps it.
func (im *importer) reject(line int, text []byte, reason error) error {
	if said := im.reader.explain(line, reason); said != "" {
		im.progress.say(said)
	}
	if text == nil {
		return nil
	}
	defer im.reader.rejects.hold()()
	if text[len(text)-1] != '\n' {
		text = append(text, '\n')
	}
	return im.reader.keep(text)
}

// report says what was done; its last line is for programs.
func (im *importer) report(w io.Writer, dry bool, err error) error {
	t := &im.total
	if err != nil {
		reason := printable.Text(strings.ReplaceAll(err.Error(), "\n", "; "))
		_, _ = fmt.Fprintf(w, "stopped: %s; all jobs up to line %d are stored\n", reason, t.line)
	}
	if t.known > 0 {
		_, _ = fmt.Fprintf(w, "duplicates among them: %d\n", t.known)
	}
	format := "imported %d, rejected %d\n"
	if dry {
		format = "would import %d, rejected %d\n"
	}
	_, _ = fmt.Fprintf(w, format, t.imported(), t.rejected)
	if err != nil || t.rejected > 0 {
		return cli.ErrSaid
	}
	return nil
}

// dryRun stores nothing.
type dryRun struct{}

func (dryRun) EnqueueMany(_ context.Context, specs []drayhorse.Spec) ([]*drayhorse.Info, error) {
	infos := make([]*drayhorse.Info, len(specs))
	for i := range infos {
		infos[i] = &drayhorse.Info{}
	}
	return infos, nil
}
