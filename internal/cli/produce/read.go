package produce

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/jobjson"
)

// reader cuts the input into batches.
type reader struct {
	lines   *jobjson.Lines
	rejects *rejects
	bytes   int64        // read so far
	jobs    int          // among them
	reasons atomic.Int32 // given so far
}

// maxReasons is how many rejected lines are explained.
const maxReasons = 20

// run reads until the input or ctx ends and sends batches to out, which it closes.
// It hands on what it has rather than waiting for more input with it.
func (r *reader) run(ctx context.Context, out chan<- *batch) error {
	defer close(out)
	b := &batch{}
	for {
		err := r.line(b)
		if err == nil && !b.full() && r.lines.Ready() {
			continue
		}
		if !b.empty() || err != nil {
			select {
			case out <- b:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			b = &batch{}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// line reads one line into the batch.
func (r *reader) line(b *batch) error {
	l, err := r.lines.Next()
	if err == nil {
		err = r.judge(l, b)
		r.bytes += l.Size
	}
	b.line, b.tally.bytes = r.lines.Number(), r.bytes
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("after line %d: %w", b.line, err)
	}
	return err
}

// errArray ends an import before anything is stored.
var errArray = cli.Usagef("the input is a JSON array; want one object a line, as jq -c '.[]' writes them")

// isArray reports whether an input that begins with a line is a JSON array: all would be
// rejected but for its last object.
func isArray(first []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(first, []byte("\xef\xbb\xbf"))), []byte("["))
}

func (r *reader) judge(l *jobjson.Line, b *batch) error {
	switch {
	case l.Blank():
		return nil
	case l.More:
		return r.reject(l, b, fmt.Errorf("longer than %d bytes", jobjson.MaxLine))
	}
	if r.jobs == 0 && r.reasons.Load() == 0 && isArray(l.Text) {
		return errArray
	}
	job, err := jobjson.Parse(l.Text)
	if err != nil {
		return r.reject(l, b, err)
	}
	r.jobs++
	b.specs, b.lines = append(b.specs, job.Spec), append(b.lines, l.Number)
	if r.rejects != nil {
		b.texts = append(b.texts, bytes.Clone(l.Text))
	}
	b.bytes += len(l.Text)
	return nil
}

// reject counts a line, explains it and writes it to rejects, so that it can be
// mended there and imported.
func (r *reader) reject(l *jobjson.Line, b *batch, reason error) error {
	b.rejected++
	if text := r.explain(l.Number, reason); text != "" {
		b.reasons = append(b.reasons, text)
	}
	defer r.rejects.hold()()
	if err := r.keep(l.Text); err != nil {
		return err
	}
	last := l.Text[len(l.Text)-1]
	err := r.lines.Rest(l, func(part []byte) error {
		if len(part) > 0 {
			last = part[len(part)-1]
		}
		return r.keep(part)
	})
	if err == nil && last != '\n' { // the last line of the input
		err = r.keep([]byte("\n"))
	}
	return err
}

// explain gives what to say of a line that is rejected; empty: enough was said.
func (r *reader) explain(line int, reason error) string {
	switch n := r.reasons.Add(1); {
	case n <= maxReasons:
		return fmt.Sprintf("line %d: %v", line, reason)
	case n == maxReasons+1:
		return "more lines are rejected; their reasons are not shown"
	}
	return ""
}

func (r *reader) keep(part []byte) error {
	_, err := r.rejects.Write(part)
	return err
}
