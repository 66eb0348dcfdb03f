package logs

import (
	"context"
	"log/slog"
)

// guard keeps a handler of an application's own from ending more than the record: one
// that panics loses what was to be said, not the program.
type guard struct{ slog.Handler }

func (g guard) Enabled(ctx context.Context, level slog.Level) (enabled bool) {
	defer func() { _ = recover() }() // not enabled then
	return g.Handler.Enabled(ctx, level)
}

func (g guard) Handle(ctx context.Context, r slog.Record) error {
	defer func() { _ = recover() }() // there is nobody to tell: this was the log
	return g.Handler.Handle(ctx, r)
}

func (g guard) WithAttrs(attrs []slog.Attr) (h slog.Handler) {
	defer func() {
		if recover() != nil {
			h = g
		}
	}()
	return guard{g.Handler.WithAttrs(attrs)}
}

func (g guard) WithGroup(name string) (h slog.Handler) {
	defer func() {
		if recover() != nil {
			h = g
		}
	}()
	return guard{g.Handler.WithGroup(name)}
}
