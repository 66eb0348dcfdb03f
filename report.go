package drayhorse

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Limits of what a handler reports of one job.
const (
	MaxProgressText = 1 << 10 // bytes of the text; the rest is cut off
	MaxLogLine      = 4 << 10 // bytes of the message, and of the attributes; the rest is cut off
	MaxLogLines     = 1000    // of an attempt, of at most 128 KiB; of a job twice as much. The oldest go
	MaxStreams      = 16      // of a run of a job
	MaxStreamBytes  = 4 << 20 // of all streams of a run of a job
)

// Reporter takes what a handler reports while its job runs. It is a Recorder; those of
// workers are.
type Reporter interface {
	Recorder

	// Progress is that of the job; fraction is from 0 to 1.
	Progress(fraction float64, text string) error
	// Logger gives the log of the job.
	Logger() *slog.Logger
	// Stream gives what writes to a stream of the job.
	Stream(name string) (io.Writer, error)
}

// Progress is how far a job has come, as its handler said.
type Progress struct {
	Fraction float64   `json:"fraction"` // from 0 to 1
	Text     string    `json:"text,omitempty"`
	Attempt  int       `json:"attempt"`
	At       time.Time `json:"at"`
}

// LogLine is a line of a job's log.
type LogLine struct {
	Attempt int             `json:"attempt"`
	At      time.Time       `json:"at"`
	Level   slog.Level      `json:"level"`
	Message string          `json:"message"`
	Attrs   json.RawMessage `json:"attrs,omitempty"` // an object; as slog's JSON handler writes them
}

// JobLog is what is kept of a job's log: of each attempt the last lines, and of the job.
type JobLog struct {
	Lines   []LogLine `json:"lines"` // oldest first
	Dropped int       `json:"dropped,omitempty"`
}

// StreamChunk is a part of a stream.
type StreamChunk struct {
	Data    []byte
	Offset  int64 // where the next part begins: what to go on reading from
	Attempt int   // that wrote it
	// Restarted: a new run of the job began to write, and this is the beginning of what it
	// writes. What earlier runs wrote, also what was read of it, counts no more.
	Restarted bool
}

// Progress says how far the job has come, fraction from 0 to 1; it is seen in Info.Progress,
// within about a second. The last call counts. The error is ErrInvalid for a fraction that is
// none.
func (j *Job[T]) Progress(fraction float64, text string) error {
	if !(fraction >= 0 && fraction <= 1) { // also not a number
		return fmt.Errorf("%w: progress %v of job %s; want a fraction from 0 to 1", ErrInvalid, fraction, j.ID)
	}
	if r, ok := j.recorder.(Reporter); ok {
		return r.Progress(fraction, text)
	}
	return nil
}

// Log gives the job's own log, which is kept with the job and goes with it: of each attempt
// the last 1,000 lines of at most 128 KiB, of the job twice as much. Lines are there within
// about a second.
func (j *Job[T]) Log() *slog.Logger {
	if r, ok := j.recorder.(Reporter); ok {
		return r.Logger()
	}
	return slog.New(slog.DiscardHandler)
}

// Stream gives a stream of the job, of a name like those of kinds: bytes for readers, who get
// all from the first, also late, while the job lives or is kept, and a minute after its end
// at least. A new run of the job that writes to a stream begins all of them anew. What is
// written is there within about a tenth of a second.
//
// A run may have 16 streams and write 4 MiB to them; beyond that Write gives ErrInvalid and
// writes nothing. What was written before is lost where Redis is full, and from then on Write
// gives ErrFull. The error of Stream is ErrInvalid for an impossible name, or one too many.
func (j *Job[T]) Stream(name string) (io.Writer, error) {
	if err := ValidateStream(name); err != nil {
		return nil, err
	}
	if r, ok := j.recorder.(Reporter); ok {
		return r.Stream(name)
	}
	return io.Discard, nil
}

// ValidateStream reports whether a name of a stream is possible: those of kinds are. The error
// is ErrInvalid.
func ValidateStream(name string) error {
	if ValidateKind(name) != nil {
		return fmt.Errorf("%w: stream %q; want 1-%d of letters, digits and _ . : -", ErrInvalid, clip(name), MaxNameLength)
	}
	return nil
}
