package jobs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/drayhorse/drayhorse"
)

// Envelope is what a job is, as stored when it is enqueued. While it waits an operator may
// change its arguments; nothing else ever changes.
//
// The form is a small binary header with the raw arguments behind it, readable by
// scripts with string.byte and string.sub:
//
//	0      version, 1
//	1      flags
//	2-7    retain in ms, big-endian
//	8-13   enqueued at, Unix ms, big-endian
//	14     length of the kind
//	15-    the kind
//	then   uvarints: max attempts; timeout in ms; length of the extras
//	then   extras: each a tag byte, a uvarint length and that many bytes
//	rest   the arguments
//
// A reader keeps away from extras it does not know; they stay where they are.
type Envelope struct {
	Kind        string
	MaxAttempts int
	Timeout     time.Duration
	Retain      time.Duration
	EnqueuedAt  time.Time
	OwnID       bool      // the ID was chosen by the caller
	DueAt       time.Time // asked for, by the producer's clock; zero: at once
	Schedule    string    // of a periodic job
	Tick        time.Time // of a periodic job
	Trace       drayhorse.Trace
	// StartWithin is how long after it is due the job must have started; 0: it need not.
	StartWithin time.Duration
	// UniqueKey is what the job is unique by, 16 bytes; empty: nothing. UntilStarted: it
	// is until its first claim, not its end.
	UniqueKey    string
	UntilStarted bool
	Priority     drayhorse.Priority
	Group        string // empty: none
	Tags         []string
	Fresh        time.Duration // since it has completed: for so long its result stands for others
	Link         string        // the batch of which the job is a member, or the step that it is, see members.go; empty: neither
	Args         []byte
}

const (
	envelopeVersion = 1
	headerSize      = 15
	flagOwnID       = 1
	flagUnique      = 2 // the first extra is extraUnique
	flagLinked      = 4 // the next one is extraLink; the two bits above say as what the job's end has counted

	flagPriority = 32  // its lowest bit of two, see priorityBits
	flagGroup    = 128 // the extra after those is extraGroup

	extraSchedule = 1 // tick as Unix ms (8 bytes), then the schedule's ID
	extraDue      = 2 // due as Unix ms (8 bytes)
	extraTrace    = 3 // length of the traceparent (1 byte), the traceparent, then the tracestate
	extraUnique   = 4 // 1 if it ends with the start (1 byte), the key, and fresh in ms (6 bytes) if there is any
	extraWithin   = 5 // ms within which it must have started (8 bytes)
	extraLink     = 6 // the batch of which it is a member
	extraTags     = 7 // each: length (1 byte), the tag
	extraGroup    = 8 // the name

	freshSize      = 6
	maxTraceParent = 255
	maxTraceState  = 512 // as W3C asks to be kept; a longer one is left out
)

var errEnvelope = errors.New("malformed envelope")

// Encode gives the stored form.
func (e *Envelope) Encode() []byte {
	b := make([]byte, headerSize, headerSize+len(e.Kind)+16+len(e.Schedule)+len(e.Args)+12)
	b[0] = envelopeVersion
	if e.OwnID {
		b[1] |= flagOwnID
	}
	if e.UniqueKey != "" {
		b[1] |= flagUnique
	}
	if e.Link != "" {
		b[1] |= flagLinked
	}
	if e.Group != "" {
		b[1] |= flagGroup
	}
	b[1] |= e.priorityBits()
	put48(b[2:8], e.Retain.Milliseconds())
	put48(b[8:14], e.EnqueuedAt.UnixMilli())
	b[14] = byte(len(e.Kind)) //nolint:gosec // names have at most 128 bytes
	b = append(b, e.Kind...)
	b = binary.AppendUvarint(b, uint64(e.MaxAttempts))            //nolint:gosec // validated to be positive
	b = binary.AppendUvarint(b, uint64(e.Timeout.Milliseconds())) //nolint:gosec // validated to be positive
	extras := e.extras()
	b = binary.AppendUvarint(b, uint64(len(extras)))
	b = append(b, extras...)
	return append(b, e.Args...)
}

// priorities are those that the two bits stand for.
var priorities = [4]drayhorse.Priority{drayhorse.Normal, drayhorse.Low, drayhorse.High, drayhorse.Urgent}

// priorityBits are the two bits, as priority_of of the prelude reads them.
func (e *Envelope) priorityBits() byte {
	for i, p := range priorities {
		if p == e.Priority {
			return byte(i) * flagPriority
		}
	}
	return 0
}

func (e *Envelope) extras() []byte {
	var b []byte
	if e.UniqueKey != "" {
		b = append(b, extraUnique, 1+uniqueKeySize, 0)
		if e.UntilStarted {
			b[2] = 1
		}
		b = append(b, e.UniqueKey...)
		if e.Fresh > 0 {
			b[1] += freshSize
			b = append(b, make([]byte, freshSize)...)
			put48(b[len(b)-freshSize:], e.Fresh.Milliseconds())
		}
	}
	if e.Link != "" {
		b = append(binary.AppendUvarint(append(b, extraLink), uint64(len(e.Link))), e.Link...)
	}
	if e.Group != "" {
		b = append(binary.AppendUvarint(append(b, extraGroup), uint64(len(e.Group))), e.Group...)
	}
	if e.Schedule != "" {
		b = appendTimed(b, extraSchedule, e.Tick, e.Schedule)
	}
	if !e.DueAt.IsZero() {
		b = appendTimed(b, extraDue, e.DueAt, "")
	}
	if e.StartWithin > 0 {
		b = appendTimed(b, extraWithin, time.UnixMilli(e.StartWithin.Milliseconds()), "")
	}
	if len(e.Tags) > 0 {
		size := 0
		for _, tag := range e.Tags {
			size += 1 + len(tag)
		}
		b = binary.AppendUvarint(append(b, extraTags), uint64(size))
		for _, tag := range e.Tags {
			b = append(append(b, byte(len(tag))), tag...) //nolint:gosec // names have at most 128 bytes
		}
	}
	if n := len(e.Trace.Parent); n > 0 && n <= maxTraceParent {
		state := e.Trace.State
		if len(state) > maxTraceState {
			state = ""
		}
		b = binary.AppendUvarint(append(b, extraTrace), uint64(1+n+len(state)))
		b = append(append(b, byte(n)), e.Trace.Parent...)
		b = append(b, state...)
	}
	return b
}

// appendTimed adds a tag, a length, and the value: a time and a text.
func appendTimed(b []byte, tag byte, t time.Time, text string) []byte {
	b = binary.AppendUvarint(append(b, tag), uint64(8+len(text)))
	b = binary.BigEndian.AppendUint64(b, uint64(t.UnixMilli()))
	return append(b, text...)
}

// DecodeEnvelope reads the stored form. The error says what is wrong with it.
func DecodeEnvelope(s string) (*Envelope, error) {
	e := new(Envelope)
	if err := e.Decode(s); err != nil {
		return nil, err
	}
	return e, nil
}

// Decode reads the stored form into an empty Envelope, as DecodeEnvelope does.
func (e *Envelope) Decode(s string) error {
	if len(s) < headerSize {
		return fmt.Errorf("%w: %d bytes", errEnvelope, len(s))
	}
	if s[0] != envelopeVersion {
		return fmt.Errorf("%w: version %d", errEnvelope, s[0])
	}
	e.OwnID = s[1]&flagOwnID != 0
	e.Priority = priorities[s[1]/flagPriority%4]
	e.Retain = time.Duration(get48(s[2:8])) * time.Millisecond
	e.EnqueuedAt = time.UnixMilli(get48(s[8:14]))
	rest := s[headerSize:]
	kind, rest, ok := cut(rest, uint64(s[14]))
	if !ok {
		return fmt.Errorf("%w: the kind is cut short", errEnvelope)
	}
	e.Kind = kind
	var limits [3]uint64 // max attempts, timeout, length of the extras
	for i := range limits {
		if limits[i], rest, ok = uvarint(rest); !ok || limits[i] > 1<<43 {
			return fmt.Errorf("%w: the limits are cut short", errEnvelope)
		}
	}
	e.MaxAttempts = int(limits[0])                          //nolint:gosec // bounded above
	e.Timeout = time.Duration(limits[1]) * time.Millisecond //nolint:gosec // bounded above
	extras, args, ok := cut(rest, limits[2])
	if !ok || !e.decodeExtras(extras) {
		return fmt.Errorf("%w: the extras are cut short", errEnvelope)
	}
	e.Args = []byte(args)
	return nil
}

func (e *Envelope) decodeExtras(s string) bool {
	for s != "" {
		tag := s[0]
		size, rest, ok := uvarint(s[1:])
		if !ok {
			return false
		}
		value, rest, ok := cut(rest, size)
		if !ok {
			return false
		}
		e.setExtra(tag, value)
		s = rest
	}
	return true
}

// setExtra keeps away from a value that is too short for its tag.
func (e *Envelope) setExtra(tag byte, value string) {
	switch {
	case tag == extraSchedule && len(value) >= 8:
		e.Tick, e.Schedule = timeOf(value), value[8:]
	case tag == extraDue && len(value) >= 8:
		e.DueAt = timeOf(value)
	case tag == extraLink:
		e.Link = value
	case tag == extraGroup:
		e.Group = value
	case tag == extraWithin && len(value) >= 8:
		e.StartWithin = time.Duration(max(timeOf(value).UnixMilli(), 0)) * time.Millisecond
	case tag == extraUnique && (len(value) == 1+uniqueKeySize || len(value) == 1+uniqueKeySize+freshSize):
		e.UntilStarted, e.UniqueKey = value[0] == 1, value[1:1+uniqueKeySize]
		if fresh := value[1+uniqueKeySize:]; fresh != "" {
			e.Fresh = time.Duration(get48(fresh)) * time.Millisecond
		}
	case tag == extraTags:
		for value != "" {
			one, rest, ok := cut(value[1:], uint64(value[0]))
			if !ok {
				return
			}
			e.Tags, value = append(e.Tags, one), rest
		}
	case tag == extraTrace && value != "":
		if parent, state, ok := cut(value[1:], uint64(value[0])); ok && parent != "" {
			e.Trace = drayhorse.Trace{Parent: parent, State: state}
		}
	}
}

// timeOf reads the time at the front of an extra.
func timeOf(value string) time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64([]byte(value[:8])))) //nolint:gosec // kept bit for bit
}

func cut(s string, n uint64) (head, tail string, ok bool) {
	if n > uint64(len(s)) {
		return "", "", false
	}
	return s[:n], s[n:], true
}

// uvarint is binary.Uvarint on a string.
func uvarint(s string) (v uint64, tail string, ok bool) {
	for i := 0; i < len(s) && i < binary.MaxVarintLen64; i++ {
		v |= uint64(s[i]&0x7f) << (7 * i)
		if s[i] < 0x80 {
			return v, s[i+1:], true
		}
	}
	return 0, "", false
}

func put48(b []byte, v int64) {
	for i := range 6 {
		b[i] = byte(v >> (40 - 8*i)) //nolint:gosec // the low byte of each shift is meant
	}
}

func get48(s string) int64 {
	var v int64
	for i := range 6 {
		v = v<<8 | int64(s[i])
	}
	return v
}
