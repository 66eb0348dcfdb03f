package drayhorse_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

type recorder struct{ result json.RawMessage }

func (r *recorder) SetResult(result json.RawMessage) error {
	r.result = result
	return nil
}

func TestDecodeKeepsWhatTheJobIs(t *testing.T) {
	raw := &drayhorse.Job[json.RawMessage]{
		ID: "1", Kind: "email", Args: json.RawMessage(`{"to":"a"}`), Attempt: 2, MaxAttempts: 3, Queue: "mail",
		EnqueuedAt: time.Unix(1, 0), DueAt: time.Unix(3, 0), Tick: time.Unix(2, 0), Trace: drayhorse.Trace{Parent: "00-1-2-01"},
	}
	var r recorder
	raw.Bind(&r)
	job, err := drayhorse.Decode[email](raw)
	if err != nil {
		t.Fatal(err)
	}
	if job.ID != "1" || job.Kind != "email" || job.Args.To != "a" || job.Attempt != 2 || job.MaxAttempts != 3 ||
		job.Queue != "mail" || !job.EnqueuedAt.Equal(raw.EnqueuedAt) || !job.Tick.Equal(raw.Tick) ||
		!job.DueAt.Equal(raw.DueAt) || job.Trace != raw.Trace {
		t.Errorf("job = %+v", job)
	}
	if err := job.SetResult([]int{1}); err != nil || string(r.result) != "[1]" {
		t.Errorf("result = %s, %v", r.result, err)
	}
}

func TestJobMadeByHand(t *testing.T) {
	job := &drayhorse.Job[email]{ID: "1"}
	if err := job.SetResult("fine"); err != nil {
		t.Error(err)
	}
	if err := job.SetResult(make(chan int)); !errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("a result that is no JSON: %v, want ErrInvalid", err)
	}
}

func TestSteers(t *testing.T) {
	boom := errors.New("boom")
	for _, test := range []struct {
		err   error
		to    drayhorse.State
		after time.Duration
		says  string
	}{
		{drayhorse.Cancel(boom), drayhorse.Cancelled, 0, "boom"},
		{drayhorse.Discard(nil), drayhorse.Discarded, 0, "discarded by its handler"},
		{drayhorse.RetryAfter(time.Second, boom), drayhorse.Retryable, time.Second, "boom"},
		{drayhorse.RetryAfter(-1, nil), drayhorse.Retryable, 0, "retry after 0s"},
		{drayhorse.Snooze(time.Minute), drayhorse.Scheduled, time.Minute, "snoozed for 1m0s"},
	} {
		var s *drayhorse.Steer
		if !errors.As(test.err, &s) || s.To != test.to || s.After != test.after || s.Error() != test.says {
			t.Errorf("%v = %+v, want to %s after %v", test.err, s, test.to, test.after)
		}
	}
	if !errors.Is(drayhorse.Discard(boom), boom) {
		t.Error("Discard hides its error")
	}
}

func TestInfoJSONRoundTrip(t *testing.T) {
	info := drayhorse.Info{
		ID: "1", Kind: "email", Queue: "mail", State: drayhorse.Retryable, Attempt: 2, MaxAttempts: 3,
		EnqueuedAt: time.Unix(1, 0).UTC(), DueAt: time.Unix(2, 0).UTC(), Args: json.RawMessage(`{"to":"a"}`),
		Errors: []drayhorse.AttemptError{{Attempt: 1, At: time.Unix(1, 5).UTC(), Message: "boom"}},
	}
	text, err := json.Marshal(info)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"1","kind":"email","queue":"mail","state":"retryable","attempt":2,"max_attempts":3,` +
		`"enqueued_at":"1970-01-01T00:00:01Z","due_at":"1970-01-01T00:00:02Z","args":{"to":"a"},` +
		`"errors":[{"attempt":1,"at":"1970-01-01T00:00:01.000000005Z","message":"boom"}]}`
	if string(text) != want {
		t.Errorf("JSON = %s\nwant   %s", text, want)
	}
	var back drayhorse.Info
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, info) {
		t.Errorf("back = %+v, %v", back, err)
	}
}
