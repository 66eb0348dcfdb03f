package joblog_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/joblog"
)

func TestLines(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(5)
	var lines []drayhorse.LogLine
	log := joblog.New(3, func() time.Time { return now }, func(line drayhorse.LogLine) { lines = append(lines, line) })
	log.Info("plain")
	log.With("msg", "not the message", "time", 1).WithGroup("g").Warn("<&>", "k", "v", slog.Group("in", "x", 1.5))
	log.Debug(strings.Repeat("x", drayhorse.MaxLogLine-1) + "é")
	log.Error("large", "text", strings.Repeat("x", drayhorse.MaxLogLine))
	log.Log(t.Context(), slog.LevelDebug-1, "too fine")
	want := []struct {
		level   slog.Level
		message int
		attrs   string
	}{
		{slog.LevelInfo, 5, ""},
		{slog.LevelWarn, 3, `{"msg":"not the message","time":1,"g":{"k":"v","in":{"x":1.5}}}`},
		{slog.LevelDebug, drayhorse.MaxLogLine - 1, ""}, // no half of a character
		{slog.LevelError, 5, `{"attributes_left_out_bytes":4107}`},
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d", len(lines), len(want))
	}
	for i, w := range want {
		l := lines[i]
		if l.Level != w.level || len(l.Message) != w.message || string(l.Attrs) != w.attrs || l.Attempt != 3 || !l.At.Equal(now) {
			t.Errorf("line %d: %+v, want %+v", i, l, w)
		}
	}
}
