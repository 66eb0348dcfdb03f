package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// Report is what a handler reported of its job, and is to be written. Reports of a claim are
// numbered, so that one that is made again does nothing.
type Report struct {
	ID       string // as stored
	Seq      uint64 // the turn that claimed the job
	Number   uint64 // within the claim, from 1
	Attempt  int
	Progress *drayhorse.Progress // nil: nothing new
	Log      []byte              // lines, as AppendLogLine makes them
	Lines    int
	Dropped  int // lines that there was no room for
	Streams  []StreamWrite
}

// StreamWrite is what was written to a stream.
type StreamWrite struct {
	Name string
	Data []byte
}

// maxReportBytes is what one call carries of reports, of which it takes one job's at least;
// maxReports is of how many jobs.
const (
	maxReportBytes = 1 << 20
	maxReports     = 100
)

// Size is about how many bytes it has.
func (r *Report) Size() int {
	size := len(r.Log)
	if r.Progress != nil {
		size += len(r.Progress.Text)
	}
	for _, s := range r.Streams {
		size += len(s.Data)
	}
	return size
}

func (r *Report) args(lease string) []any {
	args := []any{
		r.ID, lease + ":" + strconv.FormatUint(r.Seq, 10), r.Number, r.Attempt, encodeProgress(r.Progress),
		r.Dropped, r.Lines, string(r.Log), len(r.Streams),
	}
	for _, s := range r.Streams {
		args = append(args, s.Name, string(s.Data))
	}
	return args
}

// LeaseReports are reports of jobs that are held under a lease.
type LeaseReports struct {
	Lease   *Lease
	Reports []*Report
}

// Report writes what handlers reported, in few calls. It calls refused for each report that
// was not written and will not be, with why: drayhorse.ErrLeaseLost if the job is not under its
// claim any more, ErrFull if Redis has no room; and retry for each that may not have been
// written: it is to be made again.
func (e *Engine) Report(ctx context.Context, all []LeaseReports, refused func(*Report, error), retry func(*Report)) {
	var calls []redis.Call
	var about [][]*Report
	for _, of := range all {
		for some := range reportsAtOnce(of.Reports) {
			args := make([]any, 0, 9*len(some))
			for _, r := range some {
				args = append(args, r.args(of.Lease.Name)...)
			}
			calls, about = append(calls, reportScript.call(of.Lease.Partition, args...)), append(about, some)
		}
	}
	if len(calls) == 0 {
		return
	}
	for i, reply := range e.client.RunAll(ctx, calls) {
		err := failure("report", reply.Err)
		values := asList(reply.Value)
		for n, r := range about[i] {
			switch {
			case errors.Is(err, drayhorse.ErrUnavailable) && !errors.Is(err, drayhorse.ErrFull):
				retry(r)
			case err != nil:
				refused(r, err)
			case n >= len(values) || asInt(values[n]) == 0:
				refused(r, drayhorse.ErrLeaseLost)
			}
		}
	}
}

// reportsAtOnce cuts reports into those of one call each.
func reportsAtOnce(all []*Report) func(yield func([]*Report) bool) {
	return func(yield func([]*Report) bool) {
		for len(all) > 0 {
			n, bytes := 1, all[0].Size()
			for n < min(len(all), maxReports) && bytes+all[n].Size() <= maxReportBytes {
				bytes += all[n].Size()
				n++
			}
			if !yield(all[:n]) {
				return
			}
			all = all[n:]
		}
	}
}

// writeReports writes what was reported of jobs that turns finish, before they do. It reports
// false if that may not have been written: then the turns must not be made.
func (e *Engine) writeReports(ctx context.Context, turns []*Turn) (ok bool) {
	var all []LeaseReports
	for _, t := range turns {
		of := LeaseReports{Lease: t.Lease}
		for i := range t.Finishes {
			of.Reports = append(of.Reports, t.Finishes[i].Reports...)
		}
		all = append(all, of)
	}
	ok = true
	e.Report(ctx, all, func(*Report, error) {}, func(*Report) { ok = false })
	return ok
}

func hasReports(turns []*Turn) bool {
	return slices.ContainsFunc(turns, func(t *Turn) bool { return t.reports })
}

// encodeProgress gives "at_ms|attempt|fraction|text"; "" for none.
func encodeProgress(p *drayhorse.Progress) string {
	if p == nil {
		return ""
	}
	return fmt.Sprintf("%d|%d|%s|%s", p.At.UnixMilli(), p.Attempt, strconv.FormatFloat(p.Fraction, 'g', -1, 64), p.Text)
}

// decodeProgress reads it; nil where there is none, or it cannot be read.
func decodeProgress(s string) *drayhorse.Progress {
	at, rest, ok1 := number(s, '|')
	attempt, rest, ok2 := number(rest, '|')
	fraction, text, ok3 := strings.Cut(rest, "|")
	value, err := strconv.ParseFloat(fraction, 64)
	if !ok1 || !ok2 || !ok3 || err != nil || !(value >= 0 && value <= 1) {
		return nil
	}
	return &drayhorse.Progress{Fraction: value, Text: text, Attempt: int(attempt), At: time.UnixMilli(at)}
}

// AppendLogLine adds a line to those of a Report: LENGTH:BODY, the body being
// attempt|at_ms|level|message length|message and attributes.
func AppendLogLine(b []byte, line *drayhorse.LogLine) []byte {
	body := fmt.Sprintf("%d|%d|%d|%d|%s%s", line.Attempt, max(line.At.UnixMilli(), 0), line.Level, len(line.Message), line.Message, line.Attrs)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	return append(append(b, ':'), body...)
}

// decodeLog reads a log as report.lua writes it. What cannot be read ends it with a line
// that says so.
func decodeLog(s string) *drayhorse.JobLog {
	log := &drayhorse.JobLog{Lines: []drayhorse.LogLine{}}
	if s == "" {
		return log
	}
	rest, ok := s, true
	var n [5]int64 // attempt, dropped, lines of earlier attempts, their bytes, lines of the attempt
	for i := range n {
		if ok {
			n[i], rest, ok = number(rest, '|')
		}
	}
	log.Dropped = int(n[1])
	for ok && rest != "" {
		var size int64
		if size, rest, ok = number(rest, ':'); !ok || size > int64(len(rest)) {
			ok = false
			break
		}
		var line drayhorse.LogLine
		if line, ok = decodeLogLine(rest[:size]); ok {
			log.Lines, rest = append(log.Lines, line), rest[size:]
		}
	}
	if !ok {
		log.Lines = append(log.Lines, drayhorse.LogLine{Level: slog.LevelError, Message: "the log is damaged from here on"})
	}
	return log
}

func decodeLogLine(body string) (line drayhorse.LogLine, ok bool) {
	attempt, rest, ok1 := number(body, '|')
	at, rest, ok2 := number(rest, '|')
	level, rest, ok3 := strings.Cut(rest, "|")
	size, rest, ok4 := number(rest, '|')
	value, err := strconv.Atoi(level)
	if !ok1 || !ok2 || !ok3 || !ok4 || err != nil || size > int64(len(rest)) {
		return line, false
	}
	line = drayhorse.LogLine{Attempt: int(attempt), At: time.UnixMilli(at), Level: slog.Level(value), Message: rest[:size]}
	if attrs := rest[size:]; attrs != "" {
		line.Attrs = json.RawMessage(attrs)
	}
	return line, true
}
