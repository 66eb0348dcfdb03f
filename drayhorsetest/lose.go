package drayhorsetest

// LoseWorker has the worker die here, as if it was killed. What a handler that Work runs
// calls, such as a test's stand-in for a mail server, calls it: LoseWorker does not return,
// nothing that the handler would still do is done, and its job is rescued and runs again.
// Deferred functions do run, which a kill would not let them.
//
// The run's Outcome has drayhorse.ErrLeaseLost as its Err. The job loses no attempt; one
// with which three workers die is discarded, as everywhere.
func (e *Env) LoseWorker() {
	e.tb.Helper()
	e.lose("LoseWorker")
	panic(lostWorker{})
}

// lostWorker ends a handler whose worker has died.
type lostWorker struct{}

func (lostWorker) String() string { return "the test has lost the worker" }

// LoseLease is LoseWorker for a worker that lives on: it was frozen, or cut off from Redis.
// The handler's context ends with the cause drayhorse.ErrLeaseLost and the handler goes on;
// what it returns counts for nothing, and its job runs again.
func (e *Env) LoseLease() {
	e.tb.Helper()
	e.lose("LoseLease")
}

func (e *Env) lose(what string) {
	e.tb.Helper()
	ctx, cancel := e.context()
	defer cancel()
	if e.working != nil {
		running, err := e.working.Lose(ctx)
		e.require(err)
		if running {
			return
		}
	}
	e.tb.Fatalf("drayhorsetest: %s outside a handler; want it called while Work runs one", what)
}

// LoseReplies has fn run while nobody hears what Redis answers: all that is enqueued is
// stored, and whoever enqueued it learns, when the producer's Patience or the context ends,
// that Redis is away ([drayhorse.ErrUnavailable]). For tests of what comes after: a job
// that is enqueued again needs an ID of its own, or is there twice.
func (e *Env) LoseReplies(fn func()) {
	e.server.LoseReplies(fn)
}
