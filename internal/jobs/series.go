package jobs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse/internal/histogram"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// For how long it is kept what ended in a minute, and in an hour: MINUTES and HOURS of
// prelude.lua.
const (
	KeepMinutes = 72 * time.Hour
	KeepHours   = 90 * 24 * time.Hour
)

// maxRows is how many rows one call reads.
const maxRows = 1500

// Ends is what ended, of one kind, in a stretch of time.
type Ends struct {
	Completed, Discarded, Cancelled int64 // jobs
	Failed                          int64 // attempts that are followed by another
	Snoozed                         int64
	Waits                           histogram.Histogram // for the first attempt
	Runs                            histogram.Histogram // of attempts
}

// NewEnds makes one of nothing.
func NewEnds() *Ends {
	return &Ends{Waits: histogram.Histogram{}, Runs: histogram.Histogram{}}
}

// Add adds others.
func (e *Ends) Add(o *Ends) {
	e.Completed, e.Discarded, e.Cancelled = e.Completed+o.Completed, e.Discarded+o.Discarded, e.Cancelled+o.Cancelled
	e.Failed, e.Snoozed = e.Failed+o.Failed, e.Snoozed+o.Snoozed
	e.Waits.Add(o.Waits)
	e.Runs.Add(o.Runs)
}

// EndsByKind is what ended in one stretch, by kind.
type EndsByKind map[string]*Ends

// Of gives that of a kind.
func (e EndsByKind) Of(kind string) *Ends {
	if e[kind] == nil {
		e[kind] = NewEnds()
	}
	return e[kind]
}

// Series is what ended in a partition, by the number of the minute or hour since the Unix
// epoch.
type Series struct {
	Now  time.Time // by Redis's clock
	Ends map[int64]EndsByKind
}

// Series gives what ended in partitions, each by itself, in minutes or hours from first to last,
// which are numbers of units since the Unix epoch. It takes a round trip for each 1500 of them.
// Beside an error, those that were not answered are nil.
func (e *Engine) Series(ctx context.Context, unit time.Duration, first, last int64, partitions ...*Partition) ([]*Series, error) {
	letter := "m"
	if unit == time.Hour {
		letter = "h"
	}
	all := make([]*Series, len(partitions))
	var errs []error
	for ; first <= last; first += maxRows {
		calls := make([]redis.Call, len(partitions))
		to := min(last, first+maxRows-1)
		for i, p := range partitions {
			calls[i] = seriesScript.call(p, letter, first, to)
		}
		for i, reply := range e.client.RunAll(ctx, calls) {
			if err := failure("series", reply.Err); err != nil {
				errs, all[i] = append(errs, err), nil
				continue
			}
			if all[i] == nil {
				all[i] = &Series{Ends: map[int64]EndsByKind{}}
			}
			if err := all[i].read(reply.Value, unit, first, to); err != nil {
				return nil, err
			}
		}
		if len(errs) > 0 {
			break
		}
	}
	return all, errors.Join(errs...)
}

// Clock gives the time by the clock of the Redis that has a partition; by this machine's where
// there is none.
func (e *Engine) Clock(ctx context.Context, partitions ...*Partition) (time.Time, error) {
	if len(partitions) == 0 {
		return e.client.Now(), nil
	}
	reply := e.client.RunAll(ctx, []redis.Call{seriesScript.call(partitions[0], "m", 1, 0)})[0]
	if err := failure("series", reply.Err); err != nil {
		return time.Time{}, err
	}
	s := &Series{Ends: map[int64]EndsByKind{}}
	err := s.read(reply.Value, time.Minute, 1, 0)
	return s.Now, err
}

// read takes in a reply of series.lua.
func (s *Series) read(value any, unit time.Duration, first, last int64) error {
	reply := asList(value)
	if len(reply) != 3 {
		return fmt.Errorf("series: unexpected reply %v", value)
	}
	s.Now = time.UnixMilli(asInt(reply[0]))
	for i, row := range asStrings(reply[1]) {
		if row != "" {
			s.at(first + int64(i)).readRow(row)
		}
	}
	counts := asStrings(reply[2])
	for i := 0; i+1 < len(counts); i += 2 {
		if counts[i] != "" {
			continue
		}
		text, _, _ := strings.Cut(counts[i+1], "|")
		minute, err := strconv.ParseInt(text, 10, 64)
		n := minute * int64(time.Minute) / int64(unit)
		if err == nil && n >= first && n <= last {
			s.at(n).readCounts(counts)
		}
	}
	return nil
}

func (s *Series) at(n int64) EndsByKind {
	if s.Ends[n] == nil {
		s.Ends[n] = EndsByKind{}
	}
	return s.Ends[n]
}

// readRow reads what end_minute of prelude.lua writes. What cannot be read counts as nothing.
func (e EndsByKind) readRow(row string) {
	for one := range strings.SplitSeq(row, ";") {
		parts := strings.Split(one, "|")
		if len(parts) != 4 {
			continue
		}
		ends := e.Of(parts[0])
		counts := strings.Split(parts[1], ",")
		for i, to := range []*int64{&ends.Completed, &ends.Discarded, &ends.Cancelled, &ends.Failed, &ends.Snoozed} {
			if i < len(counts) {
				*to += countOf(counts[i])
			}
		}
		readBuckets(ends.Waits, parts[2])
		readBuckets(ends.Runs, parts[3])
	}
}

// readBuckets reads "N:HOW MANY,HOW MANY,.../...".
func readBuckets(h histogram.Histogram, text string) {
	for stretch := range strings.SplitSeq(text, "/") {
		first, list, ok := strings.Cut(stretch, ":")
		bucket, err := strconv.Atoi(first)
		if !ok || err != nil {
			continue
		}
		for n := range strings.SplitSeq(list, ",") {
			if n != "" {
				h[bucket] += countOf(n)
			}
			bucket++
		}
	}
}

// readCounts reads what has been counted in the minute that is not over, pairs of KIND|CODE and
// how many.
func (e EndsByKind) readCounts(counts []string) {
	for i := 0; i+1 < len(counts); i += 2 {
		at := strings.LastIndexByte(counts[i], '|')
		if at < 0 || at+1 == len(counts[i]) {
			continue
		}
		ends, n, code := e.Of(counts[i][:at]), countOf(counts[i+1]), counts[i][at+1:]
		bucket, _ := strconv.Atoi(code[1:])
		switch code[0] {
		case 'c':
			ends.Completed += n
		case 'd':
			ends.Discarded += n
		case 'x':
			ends.Cancelled += n
		case 'f':
			ends.Failed += n
		case 's':
			ends.Snoozed += n
		case 'w':
			ends.Waits[bucket] += n
		case 'r':
			ends.Runs[bucket] += n
		}
	}
}

// countOf reads a number. One that cannot be read counts as none, and so does a negative one:
// of attempts that were to fail, some were cancelled, and the turn that tells of them is to come.
func countOf(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return max(n, 0)
}
