package drayhorse

import "context"

// Trace is the W3C trace context that a job carries from where it is enqueued to
// where it runs. The engine keeps it as it is; package tracing makes and reads it.
// The zero Trace is of a job that nobody traces.
type Trace struct {
	Parent string // traceparent; at most 255 bytes
	State  string // tracestate; over 512 bytes it is left out
}

// Tracer gives jobs the trace that they carry to their handlers. Producers and
// schedulers call it, by many goroutines at once. Package tracing makes one.
type Tracer interface {
	// Enqueue is called before jobs are stored: once for a call of Enqueue or
	// EnqueueMany, once for each tick of a schedule. end is called once when that is
	// over, with what is known of the jobs; none that is not stored is known.
	Enqueue(ctx context.Context, batch Batch) (trace Trace, end func(infos []*Info, err error))
}

// Batch is jobs that are enqueued together.
type Batch struct {
	Queue string // "": of several queues
	Kind  string // "": of several kinds
	Jobs  int
}
