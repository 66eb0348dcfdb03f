package drayhorsetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/joblog"
)

// Job makes a job by hand, for a handler that a test calls itself. Its arguments are what
// a worker would give the handler: encoded, stored and decoded. The options Queue, ID and
// MaxAttempts are heeded; its other fields, such as Attempt, which is 1, can be set. What
// it reports can be read with [Result], [Progress], [Log] and [Stream]. It panics if the arguments or the options are
// impossible.
func Job[T drayhorse.Args](args T, options ...drayhorse.Option) *drayhorse.Job[T] {
	w, err := newWant(args, options)
	if err != nil {
		panic(fmt.Sprintf("drayhorsetest: %v", err))
	}
	raw := &drayhorse.Job[json.RawMessage]{
		ID: w.settings.ID, Kind: w.kind, Args: w.text, Attempt: 1, MaxAttempts: w.settings.MaxAttempts,
		Queue: w.settings.Queue, EnqueuedAt: time.Now(),
	}
	if raw.ID == "" {
		raw.ID = "test"
	}
	job, err := drayhorse.Decode[T](raw)
	if err != nil {
		panic(fmt.Sprintf("drayhorsetest: %v", err))
	}
	job.Bind(newRecorder(raw.ID, raw.Attempt))
	return job
}

// recorder keeps what a job that was made by hand reports.
type recorder struct {
	job    string
	logger *slog.Logger

	mu       sync.Mutex
	result   json.RawMessage
	progress *drayhorse.Progress
	lines    []drayhorse.LogLine
	streams  map[string]*bytes.Buffer
	written  int
}

func newRecorder(job string, attempt int) *recorder {
	r := &recorder{job: job, streams: map[string]*bytes.Buffer{}}
	r.logger = joblog.New(attempt, time.Now, func(line drayhorse.LogLine) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.lines = append(r.lines, line)
	})
	return r
}

// SetResult is that of a worker.
func (r *recorder) SetResult(result json.RawMessage) error {
	if len(result) > drayhorse.DefaultMaxArgs {
		return fmt.Errorf("%w: result of job %s has %d bytes, at most %d are allowed", drayhorse.ErrInvalid, r.job, len(result), drayhorse.DefaultMaxArgs)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result = result
	return nil
}

// Progress, Logger and Stream are those of a worker.
func (r *recorder) Progress(fraction float64, text string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress = joblog.ProgressOf(fraction, text, 1, time.Now())
	return nil
}

func (r *recorder) Logger() *slog.Logger { return r.logger }

func (r *recorder) Stream(name string) (io.Writer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.streams[name] == nil {
		if len(r.streams) == drayhorse.MaxStreams {
			return nil, fmt.Errorf("%w: stream %q of job %s; it has %d, which is the most", drayhorse.ErrInvalid, name, r.job, len(r.streams))
		}
		r.streams[name] = new(bytes.Buffer)
	}
	return &stream{r, name}, nil
}

// stream writes to one stream of a job.
type stream struct {
	*recorder

	name string
}

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.written+len(p) > drayhorse.MaxStreamBytes {
		return 0, fmt.Errorf("%w: stream %s: %d bytes beside %d; a run of a job may write %d", drayhorse.ErrInvalid, s.name, len(p), s.written, drayhorse.MaxStreamBytes)
	}
	s.written += len(p)
	return s.streams[s.name].Write(p)
}

// recorderOf gives what a job reported that Job made. It ends the test if it did not.
func recorderOf[A any](tb testing.TB, job *drayhorse.Job[A]) *recorder {
	tb.Helper()
	r, ok := job.Recorder().(*recorder)
	if !ok {
		tb.Fatalf("drayhorsetest: job %s was not made by drayhorsetest.Job, and nothing is known of what it reported", job.ID)
	}
	return r
}

// Progress gives what a handler said last of how far a job has come that [Job] made; nil if it
// said nothing.
func Progress[A any](tb testing.TB, job *drayhorse.Job[A]) *drayhorse.Progress {
	tb.Helper()
	r := recorderOf(tb, job)
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.progress
}

// Log gives the lines that a handler wrote to the log of a job that [Job] made.
func Log[A any](tb testing.TB, job *drayhorse.Job[A]) []drayhorse.LogLine {
	tb.Helper()
	r := recorderOf(tb, job)
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines)
}

// Stream gives what a handler wrote to a stream of a job that [Job] made. It ends the test if
// it opened none of that name.
func Stream[A any](tb testing.TB, job *drayhorse.Job[A], name string) []byte {
	tb.Helper()
	r := recorderOf(tb, job)
	r.mu.Lock()
	defer r.mu.Unlock()
	written := r.streams[name]
	if written == nil {
		tb.Fatalf("drayhorsetest: job %s of kind %q has no stream %q; want the handler to open it", job.ID, job.Kind, name)
	}
	return bytes.Clone(written.Bytes())
}

// Result gives the result that a handler has set of a job that [Job] made. It ends the
// test if there is none, or it is no T.
func Result[T, A any](tb testing.TB, job *drayhorse.Job[A]) (result T) {
	tb.Helper()
	r := recorderOf(tb, job)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.result == nil {
		tb.Fatalf("drayhorsetest: job %s of kind %q has no result; want the handler to call SetResult", job.ID, job.Kind)
	}
	if err := json.Unmarshal(r.result, &result); err != nil {
		tb.Fatalf("drayhorsetest: the result of job %s is no %T: %v: %s", job.ID, result, err, shorten(string(r.result), 200))
	}
	return result
}

// Snoozed gives for how long a handler that returned err has its job wait. It ends the
// test if err is no snooze.
func Snoozed(tb testing.TB, err error) time.Duration {
	tb.Helper()
	var steer *drayhorse.Steer
	if !errors.As(err, &steer) || steer.To != drayhorse.Scheduled {
		tb.Fatalf("drayhorsetest: the handler returned %v; want drayhorse.Snooze", err)
	}
	return steer.After
}
