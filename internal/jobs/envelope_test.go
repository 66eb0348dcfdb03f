package jobs

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
)

func drawEnvelope(t *rapid.T) *Envelope {
	ms := func(label string) int64 { return rapid.Int64Range(0, 1<<42).Draw(t, label) }
	e := &Envelope{
		Kind:        rapid.StringN(1, 32, 128).Draw(t, "kind"),
		MaxAttempts: rapid.IntRange(1, 1<<31).Draw(t, "max attempts"),
		Timeout:     time.Duration(ms("timeout")) * time.Millisecond,
		Retain:      time.Duration(ms("retain")) * time.Millisecond,
		EnqueuedAt:  time.UnixMilli(ms("enqueued at")),
		OwnID:       rapid.Bool().Draw(t, "own ID"),
		Priority:    rapid.SampledFrom(drayhorse.Priorities()).Draw(t, "priority"),
		Group:       rapid.SampledFrom([]string{"", "g", strings.Repeat("g", 127), strings.Repeat("g", 128)}).Draw(t, "group"),
		Args:        rapid.SliceOf(rapid.Byte()).Draw(t, "args"),
	}
	if rapid.Bool().Draw(t, "periodic") {
		e.Schedule = rapid.StringN(1, 32, 128).Draw(t, "schedule")
		e.Tick = time.UnixMilli(rapid.Int64Range(-1<<42, 1<<42).Draw(t, "tick"))
	}
	if rapid.Bool().Draw(t, "traced") {
		e.Trace = drayhorse.Trace{
			Parent: rapid.StringN(1, 55, 255).Draw(t, "traceparent"),
			State:  rapid.StringN(0, 512, 512).Draw(t, "tracestate"),
		}
	}
	e.Tags = rapid.SliceOfN(rapid.StringN(1, 32, 128), -1, drayhorse.MaxTags).Draw(t, "tags")
	if len(e.Tags) == 0 {
		e.Tags = nil
	}
	return e
}

func TestEnvelopeComesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := drawEnvelope(t)
		got, err := DecodeEnvelope(string(e.Encode()))
		if err != nil || !reflect.DeepEqual(got, e) {
			t.Fatalf("got %+v, %v; want %+v", got, err, e)
		}
	})
}

// TestEnvelopeKeepsNoImpossibleTrace: the job goes on without it.
func TestEnvelopeKeepsNoImpossibleTrace(t *testing.T) {
	t.Parallel()
	for _, trace := range []drayhorse.Trace{{State: "a=b"}, {Parent: strings.Repeat("x", 256)}} {
		e := &Envelope{Kind: "k", MaxAttempts: 1, Trace: trace, Args: []byte("{}")}
		got, err := DecodeEnvelope(string(e.Encode()))
		if err != nil || got.Trace != (drayhorse.Trace{}) || string(got.Args) != "{}" {
			t.Errorf("%+v came back as %+v, %v", trace, got, err)
		}
	}
	long := &Envelope{Kind: "k", MaxAttempts: 1, Trace: drayhorse.Trace{Parent: "00-1-2-01", State: strings.Repeat("x", 513)}}
	if got, err := DecodeEnvelope(string(long.Encode())); err != nil || got.Trace != (drayhorse.Trace{Parent: "00-1-2-01"}) {
		t.Errorf("a tracestate that is too long came back as %+v, %v", got, err)
	}
}

// TestEnvelopeIsBackwardCompatible: a stored job must stay readable.
func TestEnvelopeIsBackwardCompatible(t *testing.T) {
	t.Parallel()
	stored := "\x01\x01\x00\x00\x00\x36\xee\x80\x01\x8b\xcf\xe5\x68\x00\x05email\x19\xe0\xa7\x12\x10\x01\x0e" +
		"\x00\x00\x00\x00\x00\x00\xea\x60hourly{}"
	e, err := DecodeEnvelope(stored)
	want := &Envelope{
		Kind: "email", MaxAttempts: 25, Timeout: 5 * time.Minute, Retain: time.Hour, EnqueuedAt: time.UnixMilli(1_700_000_000_000),
		OwnID: true, Schedule: "hourly", Tick: time.UnixMilli(60_000), Args: []byte("{}"),
	}
	if err != nil || !reflect.DeepEqual(e, want) {
		t.Fatalf("got %+v, %v; want %+v", e, err, want)
	}
	traced := strings.Replace(stored, "\x10\x01\x0e", "\x1b\x03\x09\x0500-aba=b\x01\x0e", 1)
	want.Trace = drayhorse.Trace{Parent: "00-ab", State: "a=b"}
	if e, err = DecodeEnvelope(traced); err != nil || !reflect.DeepEqual(e, want) {
		t.Fatalf("with a trace: %+v, %v", e, err)
	}
	want.Trace = drayhorse.Trace{}
	unknown := strings.Replace(stored, "\x10\x01\x0e", "\x13\x63\x01x\x01\x0e", 1) // an extra of a later program
	if e, err = DecodeEnvelope(unknown); err != nil || !reflect.DeepEqual(e, want) {
		t.Fatalf("with an unknown extra: %+v, %v", e, err)
	}
}

func TestEnvelopeSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	whole := string((&Envelope{Kind: "k", MaxAttempts: 1, Schedule: "s", Args: []byte("{}")}).Encode())
	for n := range len(whole) - len("{}") {
		if e, err := DecodeEnvelope(whole[:n]); err == nil {
			t.Errorf("the first %d bytes were read as %+v", n, e)
		}
	}
	if _, err := DecodeEnvelope("\x02" + whole[1:]); err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("of version 2: %v", err)
	}
}

// TestScriptsReadTheHeader: header of the prelude reads what Encode wrote.
func TestScriptsReadTheHeader(t *testing.T) {
	t.Parallel()
	client := openClient(t, sharedURL(t))
	_, body, _ := strings.Cut(library.Prelude(), "local function header")
	body, _, _ = strings.Cut(body, "\nend")
	script := redis.NewScript("header", "#!lua\nlocal function header"+body+"\nend\nlocal own, keep = header(ARGV[1])\nreturn {own and 1 or 0, string.format('%.0f', keep)}")
	rapid.Check(t, func(rt *rapid.T) {
		e := drawEnvelope(rt)
		value, err := client.Run(t.Context(), redis.Call{Script: script, Args: []any{e.Encode()}})
		if err != nil {
			rt.Fatal(err)
		}
		reply := asList(value)
		if (asInt(reply[0]) == 1) != e.OwnID || asInt(reply[1]) != e.Retain.Milliseconds() {
			rt.Fatalf("scripts read %v, want %v and %d", reply, e.OwnID, e.Retain.Milliseconds())
		}
	})
}

func FuzzDecodeEnvelope(f *testing.F) {
	f.Add([]byte(nil))
	f.Add((&Envelope{Kind: "k", MaxAttempts: 3, Schedule: "s", Args: []byte("{}")}).Encode())
	f.Add((&Envelope{Kind: "k", MaxAttempts: 3, Trace: drayhorse.Trace{Parent: "00-1-2-01", State: "a=b"}, Args: []byte("{}")}).Encode())
	f.Add([]byte("\x01" + strings.Repeat("\x00", 13) + "\x01k\x01\x01\x05\x03\x03\x00a=")) // a tracestate alone
	f.Fuzz(func(t *testing.T, stored []byte) {
		e, err := DecodeEnvelope(string(stored))
		if err != nil {
			return
		}
		again, err := DecodeEnvelope(string(e.Encode()))
		if err != nil || again.Kind != e.Kind || !bytes.Equal(again.Args, e.Args) || again.OwnID != e.OwnID || again.Trace != e.Trace {
			t.Fatalf("%+v came back as %+v, %v", e, again, err)
		}
	})
}
