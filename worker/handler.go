package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/drayhorse/drayhorse"
)

// Handler does the work of one job, whose arguments it gets as they were stored.
// See [Handle] for what it may return.
type Handler func(ctx context.Context, job *drayhorse.Job[json.RawMessage]) error

// Middleware wraps the handlers of all kinds. It sees the error that the inner
// handler returned, and a panic as a panic.
type Middleware func(next Handler) Handler

// registration is what a worker knows of one kind.
type registration struct {
	handler Handler
	retry   RetryPolicy // nil: the worker's
}

// KindOption says how the jobs of one kind are to be treated.
type KindOption func(*registration)

// Retry gives a kind a retry policy of its own.
func Retry(policy RetryPolicy) KindOption {
	return func(r *registration) { r.retry = policy }
}

// Handle registers the handler of T's kind. It panics if the kind has a handler
// already, its name is impossible, or the worker runs.
//
// The handler may run more than once for a job, also beside itself for a moment
// when a worker lost touch with Redis, so what it does should be idempotent. When
// it returns nil, the job is completed. An error makes it run again later, until
// MaxAttempts; a panic counts as an error. drayhorse.Cancel, Discard, RetryAfter
// and Snooze say otherwise. Its context ends at the job's timeout, when the job is
// cancelled, when the worker stops and when the lease is lost: context.Cause says
// which.
func Handle[T drayhorse.Args](w *Worker, handler func(ctx context.Context, job *drayhorse.Job[T]) error, options ...KindOption) {
	HandleKind(w, kindOf[T](), handler, options...)
}

// HandleKind registers the handler of a kind that has no Go type, or another one.
// With T json.RawMessage it gets the arguments as they were stored. It panics as
// Handle does.
func HandleKind[T any](w *Worker, kind string, handler func(ctx context.Context, job *drayhorse.Job[T]) error, options ...KindOption) {
	if handler == nil {
		panic(fmt.Sprintf("worker: the handler of kind %q is nil", kind))
	}
	w.register(kind, typed(handler), options)
}

// HandleRest registers a handler for every kind that has none of its own.
func HandleRest(w *Worker, handler Handler, options ...KindOption) {
	HandleKind(w, rest, handler, options...)
}

// rest stands for the kinds without a handler of their own. It is no name of a
// kind.
const rest = ""

// typed decodes the arguments. Arguments that do not fit will not fit the next
// time: such a job is discarded.
func typed[T any](handler func(ctx context.Context, job *drayhorse.Job[T]) error) Handler {
	return func(ctx context.Context, raw *drayhorse.Job[json.RawMessage]) error {
		job, err := drayhorse.Decode[T](raw)
		if err != nil {
			return drayhorse.Discard(err)
		}
		return handler(ctx, job)
	}
}

// kindOf asks the zero value of T, or what it points to.
func kindOf[T drayhorse.Args]() string {
	var zero T
	if t := reflect.TypeFor[T](); t.Kind() == reflect.Pointer {
		zero, _ = reflect.New(t.Elem()).Interface().(T)
	}
	return zero.Kind()
}

func (w *Worker) register(kind string, handler Handler, options []KindOption) {
	if kind != rest {
		if err := drayhorse.ValidateKind(kind); err != nil {
			panic(fmt.Sprintf("worker: %v", err))
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.started {
		panic(fmt.Sprintf("worker: the handler of kind %q comes after Run", kind))
	}
	if _, taken := w.kinds[kind]; taken {
		panic(fmt.Sprintf("worker: kind %q has a handler already", kind))
	}
	r := &registration{handler: handler}
	for _, o := range options {
		o(r)
	}
	w.kinds[kind] = r
}

// other is the kind in the metrics of jobs whose kind has no handler of its own:
// their names come from producers, and there is no limit to them.
const other = "other"

// find gives the registration that serves a kind, or nil, and the kind's name in
// the metrics.
func (w *Worker) find(kind string) (*registration, string) {
	if r, ok := w.kinds[kind]; ok {
		return r, kind
	}
	return w.kinds[rest], other
}

// serves reports whether jobs of a kind can be run here.
func (w *Worker) serves(kind string) bool {
	r, _ := w.find(kind)
	return r != nil
}
