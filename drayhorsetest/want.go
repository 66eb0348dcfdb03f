package drayhorsetest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
)

// want is what a job is compared with.
type want struct {
	kind     string
	text     json.RawMessage
	args     tree
	settings drayhorse.Settings
}

// difference is where a job is not as wanted.
type difference struct{ path, want, got string }

// compared is the options that are stored with a job.
const compared = drayhorse.FieldQueue | drayhorse.FieldID | drayhorse.FieldIn | drayhorse.FieldAt |
	drayhorse.FieldMaxAttempts | drayhorse.FieldTimeout | drayhorse.FieldRetain | drayhorse.FieldStartWithin |
	drayhorse.FieldPriority | drayhorse.FieldGroup | drayhorse.FieldTags

func newWant(args drayhorse.Args, options []drayhorse.Option) (*want, error) {
	kind, err := drayhorse.KindOf(args)
	if err != nil {
		return nil, err
	}
	w := &want{kind: kind}
	if w.settings, err = drayhorse.Resolve(options...); err != nil {
		return nil, err
	}
	if w.settings.Given&^compared != 0 {
		return nil, fmt.Errorf("%w: an option that is not kept with the job, such as Durable, cannot be required", drayhorse.ErrInvalid)
	}
	if w.text, err = drayhorse.EncodeArgs(args, maxArgs); err != nil {
		return nil, err
	}
	w.args, err = treeOf(args, w.text)
	return w, err
}

// maxArgs is the most that arguments can have.
const maxArgs = 16 << 20

// zeroOf gives the zero value of T, or a pointer to one.
func zeroOf[T any]() (zero T) {
	if t := reflect.TypeFor[T](); t.Kind() == reflect.Pointer {
		zero, _ = reflect.New(t.Elem()).Interface().(T)
	}
	return zero
}

// differences says how a job differs.
func (w *want) differences(j waiting) (all []difference) {
	got, err := parse(j.envelope.Args)
	if err != nil {
		all = append(all, difference{"args", string(w.text), err.Error()})
	} else {
		all = w.args.differences("args", got)
	}
	s, e := &w.settings, j.envelope
	check := func(field drayhorse.Fields, path string, same bool, want, got any) {
		if s.Given.Has(field) && !same {
			all = append(all, difference{path, fmt.Sprint(want), fmt.Sprint(got)})
		}
	}
	check(drayhorse.FieldQueue, "queue", s.Queue == j.info.Queue, quoted(s.Queue), quoted(j.info.Queue))
	check(drayhorse.FieldID, "id", s.ID == j.info.ID, quoted(s.ID), quoted(j.info.ID))
	var in time.Duration
	at := "at once"
	if !e.DueAt.IsZero() {
		in, at = e.DueAt.Sub(e.EnqueuedAt), e.DueAt.UTC().Format(time.RFC3339Nano)
	}
	check(drayhorse.FieldIn, "in", near(in, s.In), s.In, in)
	due := e.DueAt
	if due.IsZero() {
		due = e.EnqueuedAt
	}
	same := near(due.Sub(s.At), 0) || e.DueAt.IsZero() && !s.At.After(e.EnqueuedAt)
	check(drayhorse.FieldAt, "at", same, s.At.UTC().Format(time.RFC3339Nano), at)
	check(drayhorse.FieldMaxAttempts, "max attempts", s.MaxAttempts == e.MaxAttempts, s.MaxAttempts, e.MaxAttempts)
	check(drayhorse.FieldTimeout, "timeout", near(s.Timeout, e.Timeout), s.Timeout, e.Timeout)
	check(drayhorse.FieldRetain, "retain", near(s.Retain, e.Retain), s.Retain, e.Retain)
	check(drayhorse.FieldStartWithin, "start within", near(s.StartWithin, e.StartWithin), s.StartWithin, e.StartWithin)
	check(drayhorse.FieldPriority, "priority", s.Priority == e.Priority, s.Priority, e.Priority)
	check(drayhorse.FieldGroup, "group", s.Group == e.Group, quoted(s.Group), quoted(e.Group))
	check(drayhorse.FieldTags, "tags", slices.Equal(s.Tags, e.Tags), s.Tags, e.Tags)
	return all
}

// near compares what is stored in milliseconds.
func near(a, b time.Duration) bool { return (a - b).Abs() < 2*time.Millisecond }

func quoted(s string) string { return strconv.Quote(s) }

// String shows what is wanted, for messages.
func (w *want) String() string {
	parts := []string{shorten(string(w.text), 200)}
	s := &w.settings
	add := func(field drayhorse.Fields, text string) {
		if s.Given.Has(field) {
			parts = append(parts, text)
		}
	}
	add(drayhorse.FieldQueue, fmt.Sprintf("queue %q", s.Queue))
	add(drayhorse.FieldID, fmt.Sprintf("id %q", s.ID))
	add(drayhorse.FieldIn, fmt.Sprintf("in %v", s.In))
	add(drayhorse.FieldAt, "at "+s.At.UTC().Format(time.RFC3339Nano))
	add(drayhorse.FieldMaxAttempts, fmt.Sprintf("max attempts %d", s.MaxAttempts))
	add(drayhorse.FieldTimeout, fmt.Sprintf("timeout %v", s.Timeout))
	add(drayhorse.FieldRetain, fmt.Sprintf("retain %v", s.Retain))
	add(drayhorse.FieldStartWithin, fmt.Sprintf("start within %v", s.StartWithin))
	add(drayhorse.FieldPriority, fmt.Sprintf("priority %v", s.Priority))
	add(drayhorse.FieldGroup, fmt.Sprintf("group %q", s.Group))
	add(drayhorse.FieldTags, fmt.Sprintf("tags %v", s.Tags))
	return strings.Join(parts, "  ")
}
