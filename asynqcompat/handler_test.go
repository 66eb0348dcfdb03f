package asynqcompat_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/asynqcompat"
	"github.com/drayhorse/drayhorse/worker"
)

func TestHandlersSeeTheTaskAsItWasEnqueued(t *testing.T) {
	r := setup(t)
	type seen struct {
		kind, payload, trace, id, queue string
		retried, maxRetry               int
		deadline                        time.Time
	}
	got := make(chan seen, 2)
	r.work(asynq.HandlerFunc(func(ctx context.Context, task *asynq.Task) error {
		s := seen{kind: task.Type(), payload: string(task.Payload()), trace: task.Headers()["trace"]}
		s.id, _ = asynqcompat.GetTaskID(ctx)
		s.queue, _ = asynqcompat.GetQueueName(ctx)
		s.retried, _ = asynqcompat.GetRetryCount(ctx)
		s.maxRetry, _ = asynqcompat.GetMaxRetry(ctx)
		s.deadline, _ = ctx.Deadline()
		got <- s
		if s.retried == 0 {
			return errors.New("once more")
		}
		_, err := asynqcompat.ResultWriter(ctx, task).Write([]byte("\xff { }"))
		return err
	}))
	deadline := time.Now().Add(time.Minute).Truncate(time.Second)
	task := asynq.NewTaskWithHeaders("image resize/now", []byte("\x00\xff"), map[string]string{"trace": "abc"})
	r.enqueue(task, asynq.TaskID("user/42"), asynq.MaxRetry(3), asynq.Retention(time.Hour), asynq.Deadline(deadline))
	want := seen{"image resize/now", "\x00\xff", "abc", "user/42", "default", 0, 3, deadline}
	for ; want.retried < 2; want.retried++ {
		s := <-got
		if !s.deadline.Equal(want.deadline) {
			t.Errorf("deadline = %v, want %v", s.deadline, want.deadline)
		}
		if s.deadline = want.deadline; s != want {
			t.Errorf("the handler sees %+v, want %+v", s, want)
		}
	}
	info := r.ends("asynq@ff9367307eb033737adee08b8880e7e4")
	if result, err := asynqcompat.Payload(info.Result); err != nil || string(result) != "\xff { }" {
		t.Errorf("result = %q, %v", result, err)
	}
}

func TestATaskPastItsDeadlineIsNotHandled(t *testing.T) {
	r := setup(t)
	r.work(asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		t.Error("the handler is called")
		return nil
	}))
	late := r.enqueue(asynq.NewTask("t", nil), asynq.Deadline(time.Now().Add(-time.Hour)), asynq.MaxRetry(1))
	info := r.ends(late.ID)
	if info.State != drayhorse.Discarded || len(info.Errors) != 2 || info.Errors[1].Message != context.DeadlineExceeded.Error() {
		t.Errorf("info = %+v", info)
	}
}

func TestHandlersOfTheirOwnComeFirst(t *testing.T) {
	r := setup(t)
	w, err := worker.New(worker.Config{RedisURL: r.url, Namespace: r.namespace})
	r.must(err)
	who := make(chan string, 2)
	asynqcompat.Handle(w, asynq.HandlerFunc(func(context.Context, *asynq.Task) error { who <- "asynq"; return nil }))
	worker.HandleKind(w, "image:resize", func(_ context.Context, job *drayhorse.Job[struct{ N int }]) error {
		if job.Args.N != 7 {
			t.Errorf("args = %+v, want N 7", job.Args)
		}
		who <- "native"
		return nil
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	r.enqueue(asynq.NewTask("image:resize", []byte("{\n\"N\": 7}")))
	if got := <-who; got != "native" {
		t.Errorf("the handler is %s, want native", got)
	}
	r.enqueue(asynq.NewTask("image:crop", nil))
	if got := <-who; got != "asynq" {
		t.Errorf("the handler is %s, want asynq", got)
	}
	stop()
	r.must(<-done)
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	plain := errors.New("plain")
	for _, test := range []struct {
		returned error
		want     drayhorse.State // of the Steer; "": none
		isNil    bool
	}{
		{returned: nil, isNil: true},
		{returned: asynq.RevokeTask, isNil: true},
		{returned: errors.Join(plain, asynq.SkipRetry), want: drayhorse.Discarded},
		{returned: plain},
		{returned: drayhorse.Snooze(time.Second), want: drayhorse.Scheduled},
	} {
		h := asynqcompat.Handler(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { return test.returned }))
		err := h(t.Context(), &drayhorse.Job[json.RawMessage]{ID: "1", Kind: "t", Args: json.RawMessage("{}")})
		var steer *drayhorse.Steer
		var got drayhorse.State
		if errors.As(err, &steer) {
			got = steer.To
		}
		if got != test.want || (err == nil) != test.isNil {
			t.Errorf("%v becomes %v", test.returned, err)
		}
	}
}

func TestGettersAskAsynqElsewhere(t *testing.T) {
	t.Parallel()
	if id, ok := asynqcompat.GetTaskID(t.Context()); ok || id != "" {
		t.Errorf("id = %q, %v, want none", id, ok)
	}
	if n, err := asynqcompat.ResultWriter(t.Context(), asynq.NewTask("t", nil)).Write([]byte("x")); n != 1 || err != nil {
		t.Errorf("a write to nowhere gives %d, %v", n, err)
	}
}
