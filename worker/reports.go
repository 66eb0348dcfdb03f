package worker

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/joblog"
	"github.com/drayhorse/drayhorse/internal/jobs"
)

// reports are what a handler has reported of its job. They are made with the first.
type reports struct {
	execution *execution
	flusher   *flusher // nil: they are written when the job has ended
	logger    *slog.Logger

	mu       sync.Mutex
	number   uint64 // of the last report that was made
	progress *drayhorse.Progress
	log      [][]byte // lines that are not written yet
	logBytes int
	dropped  int // lines that there was no room for
	streams  []jobs.StreamWrite
	names    []string     // of the streams that were opened
	written  int          // bytes, to all of them
	unsure   *jobs.Report // that was sent, and may not have been written
	over     error        // why what is reported goes nowhere; nil: it is written
}

// errRunOver is why what a handler reports goes nowhere that did not heed the end of its
// context.
var errRunOver = fmt.Errorf("%w: the run of the job is over", drayhorse.ErrClosed)

// What a handler may report between two flushes of the log; the oldest lines go.
const (
	maxPendingLines = drayhorse.MaxLogLines
	maxPendingBytes = 128 << 10
)

// maxStreamWrite is how many bytes of streams one report has.
const maxStreamWrite = 256 << 10

// reporting gives the reports of the job.
func (e *execution) reporting() *reports {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.reports == nil {
		r := &reports{execution: e, flusher: e.owner.flusher()}
		r.logger = joblog.New(e.attempt(), e.owner.now, r.addLine)
		e.reports = r
	}
	return e.reports
}

// lastReports gives what is to be written before the job ends, and whether it has streams.
// What is reported from here on goes nowhere.
func (e *execution) lastReports() (last []*jobs.Report, streams bool) {
	e.mu.Lock()
	r := e.reports
	e.mu.Unlock()
	if r == nil {
		return nil, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for report := r.take(); report != nil; report = r.take() {
		last = append(last, report)
		r.unsure = nil
	}
	r.over = errRunOver
	return last, r.written > 0
}

// Progress keeps how far the job has come; it is drayhorse.Reporter, like the next two.
func (e *execution) Progress(fraction float64, text string) error {
	r := e.reporting()
	r.mu.Lock()
	r.progress = joblog.ProgressOf(fraction, text, e.attempt(), e.owner.now())
	r.mu.Unlock()
	r.flusher.note(r, false)
	return nil
}

// Logger gives the job's log.
func (e *execution) Logger() *slog.Logger { return e.reporting().logger }

// Stream opens a stream.
func (e *execution) Stream(name string) (io.Writer, error) {
	r := e.reporting()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.names, name) {
		if len(r.names) == drayhorse.MaxStreams {
			return nil, fmt.Errorf("%w: stream %q of job %s; it has %d, which is the most", drayhorse.ErrInvalid, name, e.job.ID, len(r.names))
		}
		r.names = append(r.names, name)
	}
	return &streamWriter{r, name}, nil
}

// addLine takes a line of the log.
func (r *reports) addLine(line drayhorse.LogLine) {
	text := jobs.AppendLogLine(nil, &line)
	r.mu.Lock()
	if r.over == nil {
		r.log = append(r.log, text)
		r.logBytes += len(text)
		for len(r.log) > maxPendingLines || r.logBytes > maxPendingBytes {
			r.logBytes -= len(r.log[0])
			r.log = r.log[1:]
			r.dropped++
		}
	}
	r.mu.Unlock()
	r.flusher.note(r, false)
}

// streamWriter writes to one stream.
type streamWriter struct {
	reports *reports
	name    string
}

// Write takes all of p, or nothing.
func (w *streamWriter) Write(p []byte) (int, error) {
	r := w.reports
	r.mu.Lock()
	switch {
	case r.over != nil:
		defer r.mu.Unlock()
		return 0, fmt.Errorf("stream %s: %w", w.name, r.over)
	case r.written+len(p) > drayhorse.MaxStreamBytes:
		r.mu.Unlock()
		return 0, fmt.Errorf("%w: stream %s: %d bytes beside %d that were written to streams; a run of a job may write %d",
			drayhorse.ErrInvalid, w.name, len(p), r.written, drayhorse.MaxStreamBytes)
	}
	r.written += len(p)
	i := slices.IndexFunc(r.streams, func(s jobs.StreamWrite) bool { return s.Name == w.name })
	if i < 0 {
		i = len(r.streams)
		r.streams = append(r.streams, jobs.StreamWrite{Name: w.name})
	}
	r.streams[i].Data = append(r.streams[i].Data, p...)
	r.mu.Unlock()
	r.flusher.note(r, true)
	return len(p), nil
}

// take gives the next report to be written: the one that may not have been; nil if there is
// none. Callers hold mu.
func (r *reports) take() *jobs.Report {
	if r.unsure != nil || r.isEmpty() {
		return r.unsure
	}
	r.number++
	report := &jobs.Report{
		ID: r.execution.claim.ID, Seq: r.execution.claim.Seq, Number: r.number, Attempt: r.execution.attempt(),
		Progress: r.progress, Log: slices.Concat(r.log...), Lines: len(r.log), Dropped: r.dropped, Streams: r.takeStreams(),
	}
	r.progress, r.log, r.logBytes, r.dropped = nil, nil, 0, 0
	r.unsure = report
	return report
}

// isEmpty reports whether there is nothing to be written. Callers hold mu.
func (r *reports) isEmpty() bool {
	return r.progress == nil && len(r.log) == 0 && r.dropped == 0 && len(r.streams) == 0
}

// takeStreams gives what was written to streams, as much as a report may have. Callers hold
// mu.
func (r *reports) takeStreams() (taken []jobs.StreamWrite) {
	room := maxStreamWrite
	for len(r.streams) > 0 && room > 0 {
		s := &r.streams[0]
		n := min(len(s.Data), room)
		taken = append(taken, jobs.StreamWrite{Name: s.Name, Data: s.Data[:n:n]})
		room -= n
		if s.Data = s.Data[n:]; len(s.Data) == 0 {
			r.streams = r.streams[1:]
		}
	}
	return taken
}

// next gives what a flush is to write.
func (r *reports) next() *jobs.Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over != nil {
		return nil
	}
	return r.take()
}

// wrote notes that a report was written, and says whether there is more.
func (r *reports) wrote(report *jobs.Report) (more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unsure == report {
		r.unsure = nil
	}
	return r.over == nil && !r.isEmpty()
}

// stop has what is reported go nowhere.
func (r *reports) stop(why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over, r.unsure, r.progress, r.log, r.streams, r.dropped = why, nil, nil, nil, nil, 0
}
