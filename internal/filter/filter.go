// Package filter is the language in which people say which jobs they mean:
//
//	state:discarded kind:mail error:"connection refused" before:2h
//
// Terms are NAME:VALUE or TEXT with spaces between them, and a job has to meet all of them. A
// value with spaces, or a text with spaces or colons, stands in double quotes, in which \" and \\
// are a quote and a backslash.
//
//	state:STATE    it is in that state
//	queue:NAME     it is in that queue
//	kind:NAME      it is of that kind
//	id:PREFIX      its ID begins so
//	priority:P     it is low, normal, high or urgent
//	group:NAME     it is of that group
//	tag:TAG        it has that tag; may come several times, for a job that has all
//	args.PATH:V    its arguments have that value there, as in args.user.id:42; the same
//	error:TEXT     its last error has that in it, in whatever case
//	worker:PREFIX  it runs on a worker whose ID begins so
//	before:TIME    it ended, or was enqueued if it has not ended, before then
//	after:TIME     the same, then or later
//	TEXT           its ID, kind, queue, group, last error, or one of its tags has that in it, in
//	               whatever case; may come several times, for a job that has all
//
// PATH is made of names of fields and numbers of places in lists, from 0, with dots between
// them. V is a text or a number as it was written, true, false or null.
//
// TIME is a time such as 2030-01-02T15:04:05Z, or how long ago: 90s, 15m, 2h, 3d, 1w.
package filter

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/duration"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// Limits of a text.
const (
	MaxLength = 1024 // bytes
	MaxTerms  = 16
)

// Filter is a text that was understood. The zero value means all jobs.
type Filter struct {
	State       drayhorse.State
	Queue, Kind string
	ID          string // prefix
	Priority    *drayhorse.Priority
	Group       string
	Tags        []string
	Args        []Arg
	Error       string   // part of the last error, in lower case
	Worker      string   // prefix of the ID of the worker that runs it
	Text        []string // parts of what there is to read of it, in lower case
	Before      time.Time
	After       time.Time
}

// Arg is a value somewhere in the arguments.
type Arg struct {
	Path  []string
	Value string
}

// Names are the names of terms; that of args has a path behind it.
func Names() []string {
	return []string{"state", "queue", "kind", "id", "priority", "group", "tag", "args.PATH", "error", "worker", "before", "after"}
}

// IsZero reports whether all jobs are meant.
func (f *Filter) IsZero() bool { return f.Equal(&Filter{}) }

// Equal reports whether two filters mean the same.
func (f *Filter) Equal(other *Filter) bool { return reflect.DeepEqual(f, other) }

// OnlyPlaces reports whether all jobs of some queue, or in some state, are meant.
func (f *Filter) OnlyPlaces() bool {
	rest := *f
	rest.Queue, rest.State = "", ""
	return rest.IsZero()
}

// Error is what is wrong with a text, and where. It is drayhorse.ErrInvalid.
type Error struct {
	At   int // the byte, from 0
	Text string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%v filter: at character %d: %s", drayhorse.ErrInvalid, e.At+1, e.Text)
}

// Unwrap gives drayhorse.ErrInvalid.
func (e *Error) Unwrap() error { return drayhorse.ErrInvalid }

func wrong(at int, format string, args ...any) error { return &Error{at, fmt.Sprintf(format, args...)} }

// Parse reads a text; times in it that are said as how long ago count from now.
func Parse(text string, now time.Time) (*Filter, error) {
	if len(text) > MaxLength {
		return nil, wrong(MaxLength, "it goes on for %d bytes; want at most %d", len(text), MaxLength)
	}
	f := &Filter{}
	given, terms := map[string]bool{}, 0
	for at := skipSpaces(text, 0); at < len(text); at = skipSpaces(text, at) {
		begin := at
		if terms == MaxTerms {
			return nil, wrong(begin, "there are more than %d terms", MaxTerms)
		}
		terms++
		name, found := nameAt(text, begin)
		if !found {
			value, next, err := readValue(text, begin)
			if err == nil {
				err = f.setText(value, begin, text[begin] == '"')
			}
			if err != nil {
				return nil, err
			}
			at = next
			continue
		}
		at += len(name)
		value, next, err := readValue(text, at+1)
		if err != nil {
			return nil, err
		}
		switch {
		case given[name] && !repeats(name):
			return nil, wrong(begin, "%s comes twice; want it once", clip(name))
		case value == "":
			return nil, wrong(at+1, "%s has no value; want %s", clip(name), form(name))
		}
		given[name] = true
		if err := f.set(name, value, begin, at+1, now); err != nil {
			return nil, err
		}
		at = next
	}
	if !f.After.IsZero() && !f.Before.IsZero() && !f.After.Before(f.Before) {
		return nil, wrong(0, "no time is after %s and before %s", f.After.UTC().Format(time.RFC3339), f.Before.UTC().Format(time.RFC3339))
	}
	return f, nil
}

// forms say what a value looks like.
var forms = map[string]string{
	"state": "a state such as discarded", "queue": "the name of a queue", "kind": "the name of a kind", "id": "the beginning of an ID",
	"priority": "low, normal, high or urgent", "group": "the name of a group",
	"tag": "one tag, of letters, digits and _ . : -", "error": "a part of an error", "worker": "the beginning of a worker's ID", "before": "a time such as 2h or 2030-01-02T15:04:05Z", "after": "a time such as 2h or 2030-01-02T15:04:05Z",
}

// argsPrefix is in front of a path into the arguments.
const argsPrefix = "args."

// repeats reports whether a term may come several times.
func repeats(name string) bool { return name == "tag" || strings.HasPrefix(name, argsPrefix) }

func form(name string) string {
	if strings.HasPrefix(name, argsPrefix) {
		return "a value of the arguments"
	}
	return forms[name]
}

func (f *Filter) set(name, value string, begin, at int, now time.Time) error {
	var err error
	switch name {
	case "state":
		if f.State = drayhorse.State(value); !slices.Contains(drayhorse.States(), f.State) {
			return wrong(at, "state %q is not known; want one of %s", clip(value), states())
		}
		return nil
	case "queue":
		f.Queue, err = value, drayhorse.ValidateQueue(value)
	case "kind":
		f.Kind, err = value, drayhorse.ValidateKind(value)
	case "id":
		f.ID, err = value, drayhorse.ValidateID(value)
	case "priority":
		f.Priority = new(drayhorse.Priority)
		err = f.Priority.UnmarshalText([]byte(value))
	case "group":
		f.Group, err = value, drayhorse.ValidateGroup(value)
	case "tag":
		f.Tags, err = append(f.Tags, value), drayhorse.ValidateTag(value)
	case "error":
		f.Error = strings.ToLower(value)
	case "worker":
		f.Worker = value
	case "before":
		f.Before, err = moment(value, now)
	case "after":
		f.After, err = moment(value, now)
	default:
		if path, ok := strings.CutPrefix(name, argsPrefix); ok {
			return f.setArg(path, value, begin+len(argsPrefix))
		}
		return wrong(begin, "%q is not known; want one of %s, or quotes around a text with a colon", clip(name), strings.Join(Names(), ", "))
	}
	if err != nil {
		return wrong(at, "%s %q; want %s", name, clip(value), forms[name])
	}
	return nil
}

// setText takes a text. What seems to be a term whose colon is another sign is none, and no more
// is a state that has no quotes.
func (f *Filter) setText(value string, at int, quoted bool) error {
	if !quoted && slices.Contains(drayhorse.States(), drayhorse.State(value)) {
		return wrong(at, "%q is a state; want state:%s, or quotes around it", value, value)
	}
	if name, rest, found := strings.Cut(value, "="); found && (forms[name] != "" || strings.HasPrefix(name, argsPrefix)) {
		return wrong(at, "%q is no term; want %s", clip(value), clip(name+":"+rest))
	}
	if value == "" {
		return wrong(at, "the text is empty; want a part of an ID, a kind, a queue, a group, a tag or an error")
	}
	f.Text = append(f.Text, strings.ToLower(value))
	return nil
}

func (f *Filter) setArg(path, value string, at int) error {
	names := strings.Split(path, ".")
	if slices.Contains(names, "") {
		return wrong(at, "the path %q has an empty part; want names with dots between them, as in args.user.id:42", clip(path))
	}
	f.Args = append(f.Args, Arg{names, value})
	return nil
}

func states() string {
	var names []string
	for _, s := range drayhorse.States() {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

// nameAt gives the name of the term that begins there, which ends with a colon. It reports false for
// a text.
func nameAt(text string, at int) (name string, found bool) {
	word, _, _ := strings.Cut(text[at:], " ")
	if strings.HasPrefix(word, `"`) {
		return "", false
	}
	name, _, found = strings.Cut(word, ":")
	return name, found
}

// readValue reads a value, quoted or up to the next space, and gives where it ends.
func readValue(text string, at int) (value string, end int, err error) {
	if at >= len(text) || text[at] != '"' {
		end = at
		for end < len(text) && text[end] != ' ' {
			end++
		}
		return text[at:end], end, nil
	}
	var b strings.Builder
	for i := at + 1; i < len(text); i++ {
		switch {
		case text[i] == '"' && i+1 < len(text) && text[i+1] != ' ':
			return "", 0, wrong(i+1, "a space is missing behind the quote")
		case text[i] == '"':
			return b.String(), i + 1, nil
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			i++
		}
		b.WriteByte(text[i])
	}
	return "", 0, wrong(at, "the quote does not end")
}

func skipSpaces(text string, at int) int {
	for at < len(text) && text[at] == ' ' {
		at++
	}
	return at
}

// maxAgo is the longest that a time may be ago.
const maxAgo = 100 * 365 * 24 * time.Hour

// moment reads a time, or how long ago one is.
func moment(text string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	ago, err := duration.Parse(text)
	if err == nil && (ago < 0 || ago > maxAgo) {
		err = drayhorse.ErrInvalid
	}
	return now.Add(-ago), err
}

// clip keeps a message readable whatever was written.
func clip(s string) string { return printable.Clip(s, 40) }

// Matches reports whether a job meets all terms.
func (f *Filter) Matches(info *drayhorse.Info) bool {
	at := info.FinishedAt
	if at.IsZero() {
		at = info.EnqueuedAt
	}
	last := ""
	if n := len(info.Errors); n > 0 {
		last = info.Errors[n-1].Message
	}
	return (f.State == "" || info.State == f.State) && (f.Queue == "" || info.Queue == f.Queue) && (f.Kind == "" || info.Kind == f.Kind) &&
		strings.HasPrefix(info.ID, f.ID) && strings.HasPrefix(info.Worker, f.Worker) && f.hasText(info, last) &&
		(f.Priority == nil || info.Priority == *f.Priority) && (f.Group == "" || info.Group == f.Group) && f.hasTags(info.Tags) && f.hasArgs(info.Args) &&
		(f.Error == "" || strings.Contains(strings.ToLower(last), f.Error)) &&
		(f.Before.IsZero() || at.Before(f.Before)) && (f.After.IsZero() || !at.Before(f.After))
}

// hasText reports whether each text is in something that there is to read of a job.
func (f *Filter) hasText(info *drayhorse.Info, last string) bool {
	for _, text := range f.Text {
		has := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }
		if !has(info.ID) && !has(info.Kind) && !has(info.Queue) && !has(info.Group) && !has(last) && !slices.ContainsFunc(info.Tags, has) {
			return false
		}
	}
	return true
}

func (f *Filter) hasTags(tags []string) bool {
	for _, tag := range f.Tags {
		if !slices.Contains(tags, tag) {
			return false
		}
	}
	return true
}
