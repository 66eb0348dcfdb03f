package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

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
	retry   RetryPolicy
	strict  bool
	upTo    int           // jobs of a call; 0: the handler is for one
	linger  time.Duration // 0: the same
}

// KindOption says how the jobs of one kind are to be treated.
type KindOption func(*registration)

// Retry gives a kind a retry policy of its own.
func Retry(policy RetryPolicy) KindOption {
	return func(r *registration) { r.retry = policy }
}

// Strict has jobs of the kind fail whose arguments have fields that the handler's type
// does not have. Otherwise they are passed over, so that producers of a newer version
// may add fields.
func Strict() KindOption {
	return func(r *registration) { r.strict = true }
}

// Handle registers the handler of T's kind. It panics if the kind has a handler
// already, its name is impossible, or the worker runs.
//
// The handler may run more than once for a job, and two runs may briefly overlap
// when a worker lost touch with Redis, so what it does should be idempotent. When
// it returns nil, the job is completed. An error makes it run again later, until
// MaxAttempts; a panic counts as an error. drayhorse.Cancel, Discard, RetryAfter
// and Snooze say otherwise. Its context ends at the job's timeout, when the job is
// cancelled, when the worker stops and when the lease is lost: context.Cause says
// which.
//
// Arguments that do not fit T fail the attempt with a drayhorse.ArgsError, which names the
// field: in a deploy that changes T, a later attempt may find a worker that they fit.
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
	r := &registration{}
	for _, o := range options {
		o(r)
	}
	if r.upTo != 0 || r.linger != 0 {
		panic(fmt.Sprintf("worker: the handler of kind %q gets one job a call; UpTo and Linger are for HandleMany", kind))
	}
	r.handler = typed(handler, r.strict)
	w.register(kind, r)
}

// HandleRest registers a handler for every kind that has none of its own.
func HandleRest(w *Worker, handler Handler, options ...KindOption) {
	HandleKind(w, rest, handler, options...)
}

// rest stands for the kinds without a handler of their own. It is no name of a
// kind.
const rest = ""

// typed decodes the arguments. Those that do not fit are an error like any other: the
// next worker may be of the version that they fit.
func typed[T any](handler func(ctx context.Context, job *drayhorse.Job[T]) error, strict bool) Handler {
	decode := drayhorse.Decode[T]
	if strict {
		decode = drayhorse.DecodeStrict[T]
	}
	return func(ctx context.Context, raw *drayhorse.Job[json.RawMessage]) error {
		job, err := decode(raw)
		if err != nil {
			return err
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

func (w *Worker) register(kind string, r *registration) {
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
	if r.retry == nil {
		r.retry = w.cfg.Retry
	}
	w.kinds[kind] = r
}

// kinds are those that a worker serves, by name.
type kinds map[string]*registration

// other is the kind in the metrics of jobs whose kind has no handler of its own:
// their names come from producers, and there is no limit to them.
const other = "other"

// find gives the registration that serves a kind, or nil, and the kind's name in
// the metrics.
func (k kinds) find(kind string) (*registration, string) {
	if r, ok := k[kind]; ok {
		return r, kind
	}
	return k[rest], other
}

// serves reports whether jobs of a kind can be run here.
func (k kinds) serves(kind string) bool {
	r, _ := k.find(kind)
	return r != nil
}

// wrap puts the handlers of all kinds into middleware, the first one outermost.
func (k kinds) wrap(middleware []Middleware) error {
	for kind, r := range k {
		for i := len(middleware) - 1; i >= 0; i-- {
			if r.handler = middleware[i](r.handler); r.handler == nil {
				return fmt.Errorf("%w: middleware %d gave no handler for kind %q; want a function", drayhorse.ErrInvalid, i, kind)
			}
		}
	}
	return nil
}
