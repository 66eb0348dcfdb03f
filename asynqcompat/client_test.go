package asynqcompat_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/asynqcompat"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
)

// envelope gives what is stored of a job.
func (r *rig) envelope(queue, id string) *jobs.Envelope {
	r.Helper()
	client, err := redis.Open(redis.Config{URL: r.url})
	r.must(err)
	defer client.Close()
	stored, err := client.HGet(r.Context(), r.namespace+":{"+queue+"}:jobs", jobs.PackID(id)).Result()
	r.must(err)
	e, err := jobs.DecodeEnvelope(stored)
	r.must(err)
	return e
}

func TestOptionsMeanWhatTheyMeanToAsynq(t *testing.T) {
	r := setup(t)
	due := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	task := asynq.NewTask("email:deliver", []byte(`{"UserID":42}`), asynq.Queue("overridden"), asynq.MaxRetry(7), asynq.Timeout(20*time.Second))
	info := r.enqueue(task, asynq.Queue("mail"), asynq.TaskID("mine"), asynq.ProcessAt(due), asynq.Retention(2*time.Hour))
	if info.ID != "mine" || info.Queue != "mail" || info.Type != "email:deliver" || info.MaxRetry != 7 ||
		info.State != asynq.TaskStateScheduled || !info.NextProcessAt.Equal(due) {
		t.Errorf("info = %+v", info)
	}
	job := r.get("mine")
	if job.Kind != "email:deliver" || job.Queue != "mail" || job.MaxAttempts != 8 || !job.DueAt.Equal(due) || string(job.Args) != `{"UserID":42}` {
		t.Errorf("job = %+v", job)
	}
	if e := r.envelope("mail", "mine"); e.Timeout != 20*time.Second || e.Retain != 2*time.Hour {
		t.Errorf("timeout %v and retention %v, want 20s and 2h", e.Timeout, e.Retain)
	}
}

func TestDefaultsAreThoseOfAsynq(t *testing.T) {
	r := setup(t)
	info := r.enqueue(asynq.NewTask("t", nil))
	job := r.get(info.ID)
	if job.Queue != "default" || job.MaxAttempts != 26 || job.State != drayhorse.Available || info.State != asynq.TaskStatePending {
		t.Errorf("job = %+v, info = %+v", job, info)
	}
	if e := r.envelope("default", info.ID); e.Timeout != 30*time.Minute || e.Retain != 0 || e.OwnID {
		t.Errorf("envelope = %+v, want a timeout of 30m, no retention and no ID to be remembered", e)
	}
	if in := r.enqueue(asynq.NewTask("t", nil), asynq.ProcessIn(time.Minute)); time.Until(r.get(in.ID).DueAt) > time.Minute || in.NextProcessAt.IsZero() {
		t.Errorf("ProcessIn(1m): info = %+v", in)
	}
}

func TestADeadlineBoundsEachAttempt(t *testing.T) {
	r := setup(t)
	alone := r.enqueue(asynq.NewTask("t", nil), asynq.Deadline(time.Now().Add(time.Hour)))
	if e := r.envelope("default", alone.ID); e.Timeout > time.Hour || e.Timeout < 59*time.Minute {
		t.Errorf("timeout = %v, want the hour to the deadline", e.Timeout)
	}
	both := r.enqueue(asynq.NewTask("t", nil), asynq.Deadline(time.Now().Add(time.Hour)), asynq.Timeout(time.Second))
	if e := r.envelope("default", both.ID); e.Timeout != time.Second {
		t.Errorf("timeout = %v, want 1s", e.Timeout)
	}
}

func TestAKnownTaskIDIsAConflict(t *testing.T) {
	r := setup(t)
	task := asynq.NewTask("t", nil, asynq.TaskID("user/42"))
	r.enqueue(task)
	if _, err := r.client.Enqueue(task); !errors.Is(err, asynq.ErrTaskIDConflict) || !strings.Contains(err.Error(), "user/42") {
		t.Errorf("err = %v, want ErrTaskIDConflict with the ID", err)
	}
	r.enqueue(task, asynq.Queue("other")) // IDs belong to queues
}

func TestWhatIsNotSupportedIsRefused(t *testing.T) {
	r := setup(t)
	for _, test := range []struct {
		task  *asynq.Task
		names string
	}{
		{asynq.NewTask("t", nil, asynq.Unique(time.Hour)), "Unique"},
		{asynq.NewTask("t", nil, asynq.Unique(time.Hour), asynq.ProcessIn(time.Hour)), "Unique"},
		{asynq.NewTask("t", nil, asynq.Unique(time.Hour), asynq.Group("g")), "Unique"},
		{asynq.NewTask("t", nil, asynq.Group("g")), `Group("g")`},
		{asynq.NewTask("t", nil, asynq.Group("g"), asynq.ProcessIn(time.Hour)), `Group("g")`},
		{asynq.NewTask("t", nil, asynq.Queue("no good")), `"no good"`},
		{asynq.NewTask("t", make([]byte, 1<<20)), "bytes"},
	} {
		_, err := r.client.Enqueue(test.task)
		if !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), test.names) {
			t.Errorf("err = %v, want ErrInvalid with %s", err, test.names)
		}
	}
	for _, task := range []*asynq.Task{nil, asynq.NewTask(" ", nil), asynq.NewTask("t", nil, asynq.TaskID(" ")), asynq.NewTask("\xff", nil)} {
		if _, err := r.client.Enqueue(task); err == nil {
			t.Errorf("%+v is enqueued, want the error of asynq", task)
		}
	}
}

func TestAClosedClientSaysSo(t *testing.T) {
	r := setup(t)
	r.must(r.client.Close())
	r.must(r.client.Close())
	if _, err := r.client.Enqueue(asynq.NewTask("t", nil)); !errors.Is(err, drayhorse.ErrClosed) {
		t.Errorf("err = %v, want ErrClosed", err)
	}
}

var _ interface {
	Enqueue(task *asynq.Task, opts ...asynq.Option) (*asynq.TaskInfo, error)
	Close() error
} = (*asynqcompat.Client)(nil)
