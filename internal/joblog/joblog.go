// Package joblog makes lines of a job's log of what its handler logs.
package joblog

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// handler is a slog.Handler whose attributes are written by slog's own JSON handler.
type handler struct {
	take func(line drayhorse.LogLine)
	now  func() time.Time

	mu    *sync.Mutex // of what the JSON handler writes to
	text  *bytes.Buffer
	attrs slog.Handler
}

// New makes the log of one attempt. Each line goes to take, which many goroutines may call at
// once; now is the time to be written down.
func New(attempt int, now func() time.Time, take func(line drayhorse.LogLine)) *slog.Logger {
	text := new(bytes.Buffer)
	return slog.New(&handler{
		take: func(line drayhorse.LogLine) {
			line.Attempt = attempt
			take(line)
		},
		now: now, mu: new(sync.Mutex), text: text,
		attrs: slog.NewJSONHandler(text, &slog.HandlerOptions{Level: slog.LevelInfo}),
	})
}

// Enabled: lines of debug are kept too.
func (h *handler) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelDebug }

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	attrs, err := h.encode(ctx, r)
	if err != nil {
		return err
	}
	h.take(drayhorse.LogLine{At: h.now(), Level: r.Level, Message: printable.Head(r.Message, drayhorse.MaxLogLine), Attrs: attrs})
	return nil
}

// empty is how the JSON handler begins a record of level info that has no message.
const empty = `{"level":"INFO","msg":""`

// encode gives the attributes of a record as an object; nil if there are none.
func (h *handler) encode(ctx context.Context, r slog.Record) (json.RawMessage, error) {
	bare := slog.NewRecord(time.Time{}, slog.LevelInfo, "", 0)
	r.Attrs(func(a slog.Attr) bool {
		bare.AddAttrs(a)
		return true
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text.Reset()
	if err := h.attrs.Handle(ctx, bare); err != nil {
		return nil, err
	}
	rest := strings.TrimPrefix(strings.TrimSpace(h.text.String()), empty)
	switch {
	case rest == "}":
		return nil, nil
	case len(rest) > drayhorse.MaxLogLine:
		return json.RawMessage(fmt.Sprintf(`{"attributes_left_out_bytes":%d}`, len(rest))), nil
	}
	return json.RawMessage("{" + strings.TrimPrefix(rest, ",")), nil
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.attrs = h.attrs.WithAttrs(attrs)
	return &with
}

func (h *handler) WithGroup(name string) slog.Handler {
	with := *h
	with.attrs = h.attrs.WithGroup(name)
	return &with
}

// ProgressOf makes the progress of an attempt, of a text that may be too long.
func ProgressOf(fraction float64, text string, attempt int, now time.Time) *drayhorse.Progress {
	return &drayhorse.Progress{Fraction: fraction, Text: printable.Head(text, drayhorse.MaxProgressText), Attempt: attempt, At: now}
}
