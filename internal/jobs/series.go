package jobs

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse/internal/histogram"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// For how long it is kept what ended in a minute, and in an hour: MINUTES and HOURS of
// the prelude.
const (
	KeepMinutes = 72 * time.Hour
	KeepHours   = 90 * 24 * time.Hour
)

// maxRows is how many rows one call reads.
const maxRows = 500

// Ends is what ended in a stretch of time.
type Ends struct {
	Completed, Discarded, Cancelled int64 // jobs
	Failed                          int64 // attempts that are followed by another
	Snoozed                         int64
	Waits                           histogram.Histogram // for the first attempt
	Runs                            histogram.Histogram // of attempts
}

// field gives where a code of the prelude is counted; nil for those of histograms.
func (e *Ends) field(code byte) *int64 {
	switch code {
	case 'c':
		return &e.Completed
	case 'd':
		return &e.Discarded
	case 'x':
		return &e.Cancelled
	case 'f':
		return &e.Failed
	case 's':
		return &e.Snoozed
	}
	return nil
}

// SeriesReader takes in what Series reads, of partition i of those that were asked for and the minute
// or hour of a number.
type SeriesReader struct {
	To     func(i int, number int64, kind string) []*Ends // to what ends of the kind are to be added
	Groups func(i int, number, n int64)                   // n groups had jobs run; nil: nobody wants to know
}

// Series reads what ended in partitions, in minutes or hours from first to last, which are numbers
// of units since the Unix epoch. It takes a round trip for each 500 of them.
func (e *Engine) Series(ctx context.Context, unit time.Duration, first, last int64, reader SeriesReader, partitions ...*Partition) error {
	letter := "m"
	if unit == time.Hour {
		letter = "h"
	}
	for ; first <= last; first += maxRows {
		calls := make([]redis.Call, len(partitions))
		end := min(last, first+maxRows-1)
		for i, p := range partitions {
			calls[i] = seriesScript.call(p, letter, first, end)
		}
		for i, reply := range e.client.RunAll(ctx, calls) {
			if err := failure("series", reply.Err); err != nil {
				return err
			}
			if _, err := reader.read(i, reply.Value, unit, first, end); err != nil {
				return err
			}
		}
	}
	return nil
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
	return new(SeriesReader).read(0, reply.Value, time.Minute, 1, 0)
}

// read reads a reply of series.lua about partition p, and gives the time of Redis's clock.
func (r *SeriesReader) read(p int, value any, unit time.Duration, first, last int64) (now time.Time, err error) {
	reply := asList(value)
	if len(reply) != 4 {
		return now, fmt.Errorf("series: unexpected reply %v", value)
	}
	now = time.UnixMilli(asInt(reply[0]))
	for i, row := range asStrings(reply[1]) {
		readRow(row, func(kind string) []*Ends { return r.To(p, first+int64(i), kind) })
	}
	for i, n := range asStrings(reply[3]) {
		if n != "" && r.Groups != nil {
			r.Groups(p, first+int64(i), countOf(n))
		}
	}
	counts := asStrings(reply[2])
	for i := 0; i+1 < len(counts); i += 2 {
		if counts[i] != "" {
			continue
		}
		text, _, _ := strings.Cut(counts[i+1], "|")
		minute, err := strconv.ParseInt(text, 10, 64)
		number := minute * int64(time.Minute) / int64(unit)
		if err == nil && number >= first && number <= last {
			readCounts(counts, func(kind string) []*Ends { return r.To(p, number, kind) })
		}
	}
	return now, nil
}

// readRow adds what end_minute of the prelude writes. What cannot be read counts as nothing.
func readRow(row string, to func(kind string) []*Ends) {
	for row != "" {
		var one string
		one, row, _ = strings.Cut(row, ";")
		kind, rest, ok1 := strings.Cut(one, "|")
		counts, rest, ok2 := strings.Cut(rest, "|")
		waits, runs, ok3 := strings.Cut(rest, "|")
		if !ok1 || !ok2 || !ok3 {
			continue
		}
		all := to(kind)
		for _, code := range []byte("cdxfs") {
			var text string
			text, counts, _ = strings.Cut(counts, ",")
			for _, ends := range all {
				*ends.field(code) += countOf(text)
			}
		}
		readBuckets(waits, func(bucket int, n int64) {
			for _, ends := range all {
				ends.Waits[bucket] += n
			}
		})
		readBuckets(runs, func(bucket int, n int64) {
			for _, ends := range all {
				ends.Runs[bucket] += n
			}
		})
	}
}

// readBuckets reads "N:HOW MANY,HOW MANY,.../...".
func readBuckets(text string, add func(bucket int, n int64)) {
	for text != "" {
		var stretch string
		stretch, text, _ = strings.Cut(text, "/")
		first, list, ok := strings.Cut(stretch, ":")
		bucket, err := strconv.Atoi(first)
		for ok && err == nil {
			var n string
			n, list, ok = strings.Cut(list, ",")
			if n != "" && bucket >= 0 && bucket < histogram.Buckets {
				add(bucket, countOf(n))
			}
			bucket++
		}
	}
}

// readCounts adds what has been counted in the minute that is not over, pairs of KIND|CODE and
// how many.
func readCounts(counts []string, to func(kind string) []*Ends) {
	for i := 0; i+1 < len(counts); i += 2 {
		at := strings.LastIndexByte(counts[i], '|')
		if at < 0 || at+1 == len(counts[i]) {
			continue
		}
		n, code := countOf(counts[i+1]), counts[i][at+1:]
		bucket, _ := strconv.Atoi(code[1:])
		if bucket < 0 || bucket >= histogram.Buckets {
			continue
		}
		for _, ends := range to(counts[i][:at]) {
			if field := ends.field(code[0]); field != nil {
				*field += n
			} else if code[0] == 'w' {
				ends.Waits[bucket] += n
			} else if code[0] == 'r' {
				ends.Runs[bucket] += n
			}
		}
	}
}

// countOf reads a number. One that cannot be read counts as none. It may be negative: of attempts that were
// to fail, some were cancelled, and the turn that tells of them is to come, maybe in the next minute.
func countOf(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}
