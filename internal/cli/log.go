package cli

import (
	"log/slog"
	"math"

	"go.uber.org/zap/buffer"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"

	"github.com/drayhorse/drayhorse/internal/printable"
)

// newLogger makes the log of a program: zap, for libraries that take a
// *slog.Logger.
func newLogger(p *Process, cfg Logging) *slog.Logger {
	encoding := zapcore.EncoderConfig{
		TimeKey: "time", LevelKey: "level", NameKey: "logger", MessageKey: "msg",
		EncodeTime: zapcore.RFC3339NanoTimeEncoder, EncodeLevel: zapcore.LowercaseLevelEncoder,
		EncodeDuration: zapcore.StringDurationEncoder,
	}
	encoder := zapcore.NewJSONEncoder(encoding)
	if forPeople(p, cfg) {
		encoding.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		encoding.EncodeLevel = zapcore.CapitalLevelEncoder
		if HasColour(p.Stderr, p.LookupEnv) {
			encoding.EncodeLevel = zapcore.CapitalColorLevelEncoder
		}
		encoder = zapcore.NewConsoleEncoder(encoding)
	}
	out := printable.JSONWriter(p.Stderr)
	core := zapcore.NewCore(printableMessages{encoder}, zapcore.Lock(zapcore.AddSync(out)), levels[cfg.LogLevel])
	return slog.New(zapslog.NewHandler(core, zapslog.AddStacktraceAt(slog.Level(math.MaxInt))))
}

// forPeople reports whether people read the log.
func forPeople(p *Process, cfg Logging) bool {
	return cfg.LogFormat == "console" || cfg.LogFormat == "auto" && IsTerminal(p.Stderr)
}

// printableMessages makes messages printable, which the console shows as they are.
// Fields are JSON in both formats, and are made printable as they are written.
type printableMessages struct{ zapcore.Encoder }

// EncodeEntry is zapcore.Encoder.
func (e printableMessages) EncodeEntry(entry zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	entry.Message = printable.Text(entry.Message)
	return e.Encoder.EncodeEntry(entry, fields)
}

// Clone is zapcore.Encoder.
func (e printableMessages) Clone() zapcore.Encoder { return printableMessages{e.Encoder.Clone()} }

var levels = map[LogLevel]zapcore.Level{
	"debug": zapcore.DebugLevel, "info": zapcore.InfoLevel, "warn": zapcore.WarnLevel, "error": zapcore.ErrorLevel,
}
