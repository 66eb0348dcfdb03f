package jobs

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// What is kept of an error; the rest is cut off.
const (
	maxMessage = 4 << 10
	maxStack   = 8 << 10
)

var errRecord = errors.New("malformed record")

// encodeError gives an error record: LENGTH:BODY, the body being
// attempt|at_ms|message length|message and stack. Scripts make such records too.
func encodeError(e drayhorse.AttemptError) string {
	message, stack := printable.Head(e.Message, maxMessage), printable.Head(e.Stack, maxStack)
	body := fmt.Sprintf("%d|%d|%d|%s%s", max(e.Attempt, 0), max(e.At.UnixMilli(), 0), len(message), message, stack)
	return strconv.Itoa(len(body)) + ":" + body
}

// decodeErrors reads error records, oldest first. What cannot be read ends the
// list with an entry that says so, so that nothing is dropped in silence.
func decodeErrors(s string) []drayhorse.AttemptError {
	var list []drayhorse.AttemptError
	for s != "" {
		size, rest, ok := number(s, ':')
		if !ok || size > int64(len(rest)) {
			return append(list, drayhorse.AttemptError{Message: errRecord.Error()})
		}
		e, ok := decodeError(rest[:size])
		if !ok {
			return append(list, drayhorse.AttemptError{Message: errRecord.Error()})
		}
		list, s = append(list, e), rest[size:]
	}
	return list
}

func decodeError(body string) (drayhorse.AttemptError, bool) {
	var e drayhorse.AttemptError
	attempt, rest, ok1 := number(body, '|')
	at, rest, ok2 := number(rest, '|')
	size, rest, ok3 := number(rest, '|')
	if !ok1 || !ok2 || !ok3 || size > int64(len(rest)) {
		return e, false
	}
	e.Attempt, e.At = int(attempt), time.UnixMilli(at)
	e.Message, e.Stack = rest[:size], rest[size:]
	return e, true
}

// number reads a decimal number from 0 up to a separator.
func number(s string, separator byte) (n int64, tail string, ok bool) {
	digits, tail, ok := strings.Cut(s, string(separator))
	if !ok {
		return 0, "", false
	}
	v, err := strconv.ParseUint(digits, 10, 63)
	return int64(v), tail, err == nil
}

// record is an ended job as archive holds it:
// state|finished_ms|failed|rescued|result length|errors length|result, error
// records and envelope.
type record struct {
	state           drayhorse.State
	finishedAt      time.Time
	failed, rescued int
	result          string
	errors          string
	envelope        string
}

func decodeRecord(s string) (record, error) {
	var r record
	state, rest, ok := strings.Cut(s, "|")
	var n [5]int64 // finished, failed, rescued, length of the result, of the errors
	for i := range n {
		if ok {
			n[i], rest, ok = number(rest, '|')
		}
	}
	r.state = drayhorse.State(state)
	if !ok || !r.state.Ended() || n[3] > int64(len(rest)) || n[4] > int64(len(rest))-n[3] {
		return r, errRecord
	}
	r.finishedAt, r.failed, r.rescued = time.UnixMilli(n[0]), int(n[1]), int(n[2])
	r.result, rest = rest[:n[3]], rest[n[3]:]
	r.errors, r.envelope = rest[:n[4]], rest[n[4]:]
	return r, nil
}
