package logs

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
)

// broken panics wherever it is asked.
type broken struct{}

func (broken) Enabled(context.Context, slog.Level) bool  { return true }
func (broken) Handle(context.Context, slog.Record) error { panic("full") }
func (broken) WithAttrs([]slog.Attr) slog.Handler        { panic("attrs") }
func (broken) WithGroup(string) slog.Handler             { panic("group") }

func TestHandlerThatPanicsLosesTheRecordAlone(t *testing.T) {
	t.Parallel()
	log := Or(slog.New(broken{}))
	log.Info("lost")
	log.With("a", 1).WithGroup("g").Error("lost too")
}

func TestGuardPassesRecordsOn(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := Or(Or(slog.New(slog.NewTextHandler(&out, nil)))).With("a", 1).WithGroup("g")
	log.Debug("hidden")
	log.Info("said", "b", 2)
	if got := out.String(); !strings.Contains(got, "msg=said a=1 g.b=2") || strings.Contains(got, "hidden") {
		t.Errorf("log = %q", got)
	}
	if Or(log) != log {
		t.Error("a logger is guarded twice")
	}
	Or(nil).Info("nothing")
}
