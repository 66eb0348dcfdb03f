package cli

import (
	"io"
	"log/slog"
	"math"

	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"
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
	if cfg.LogFormat == "console" || cfg.LogFormat == "auto" && IsTerminal(p.Stderr) {
		encoding.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		encoding.EncodeLevel = zapcore.CapitalLevelEncoder
		if HasColour(p.Stderr, p.LookupEnv) {
			encoding.EncodeLevel = zapcore.CapitalColorLevelEncoder
		}
		encoder = zapcore.NewConsoleEncoder(encoding)
	}
	core := zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(unsynced{p.Stderr})), levels[cfg.LogLevel])
	return slog.New(zapslog.NewHandler(core, zapslog.AddStacktraceAt(slog.Level(math.MaxInt))))
}

// unsynced hides the Sync of files: syncing a terminal or a pipe is an error.
type unsynced struct{ io.Writer }

var levels = map[LogLevel]zapcore.Level{
	"debug": zapcore.DebugLevel, "info": zapcore.InfoLevel, "warn": zapcore.WarnLevel, "error": zapcore.ErrorLevel,
}
