package worker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/worker"
)

// newWelcome is welcome of the next version: a field has another type, and one is new.
type newWelcome struct {
	UserID string `json:"user_id"`
	Lang   string `json:"lang,omitempty"`
}

func (newWelcome) Kind() string { return "welcome" }

// TestRollingDeploy: producers of the new version are there before its workers. Their jobs
// fail, and run when a worker comes that they fit.
func TestRollingDeploy(t *testing.T) {
	r := setup(t, func(c *worker.Config) { c.Retry = worker.Constant(time.Second) })
	var seen error
	r.worker.Use(func(next worker.Handler) worker.Handler {
		return func(ctx context.Context, job *rawJob) error {
			err := next(ctx, job)
			seen = err
			return err
		}
	})
	worker.Handle(r.worker, func(context.Context, *drayhorse.Job[welcome]) error { return nil })
	r.start()
	info, err := r.producer.Enqueue(t.Context(), newWelcome{UserID: "u-42"}, keep)
	if err != nil {
		t.Fatal(err)
	}
	failed := r.becomes(info.ID, drayhorse.Retryable)
	r.stop()
	const want = `arguments of kind "welcome" do not fit worker_test.welcome: field "user_id" is a JSON string; want int64`
	if failed.Errors[0].Message != want {
		t.Errorf("error %q, want %q", failed.Errors[0].Message, want)
	}
	if wrong, ok := errors.AsType[*drayhorse.ArgsError](seen); !ok || wrong.Field != "user_id" || wrong.Kind != "welcome" {
		t.Errorf("middleware saw %v, want an ArgsError for user_id", seen)
	}
	r.worker = r.newWorker()
	worker.Handle(r.worker, func(_ context.Context, job *drayhorse.Job[newWelcome]) error { return job.SetResult(job.Args.UserID) })
	r.start()
	if done := r.becomes(info.ID, drayhorse.Completed, 30*time.Second); string(done.Result) != `"u-42"` || done.Attempt < 2 {
		t.Errorf("%+v, want it done by a later attempt", done)
	}
}

// TestStrict: a new field is passed over, unless the kind is strict.
func TestStrict(t *testing.T) {
	for strict, state := range map[bool]drayhorse.State{false: drayhorse.Completed, true: drayhorse.Discarded} {
		t.Run(string(state), func(t *testing.T) {
			r := setup(t)
			var options []worker.KindOption
			if strict {
				options = append(options, worker.Strict())
			}
			type known struct {
				UserID string `json:"user_id"`
			}
			worker.HandleKind(r.worker, "welcome", func(context.Context, *drayhorse.Job[known]) error { return nil }, options...)
			r.start()
			info, err := r.producer.Enqueue(t.Context(), newWelcome{UserID: "u-42", Lang: "fr"}, keep, drayhorse.MaxAttempts(2))
			if err != nil {
				t.Fatal(err)
			}
			done := r.becomes(info.ID, state)
			if strict && !strings.HasSuffix(done.Errors[0].Message, `do not fit worker_test.known: field "lang" is not known to it`) {
				t.Errorf("error %q does not name the field", done.Errors[0].Message)
			}
		})
	}
}
