package outbox

import (
	"reflect"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

type welcome struct {
	UserID int64 `json:"user_id"`
}

func (welcome) Kind() string { return "welcome" }

func testBox(t *testing.T) *Box {
	t.Helper()
	return &Box{names: names{SQLite, DefaultTable}, maxArgs: drayhorse.DefaultMaxArgs}
}

// TestEveryOptionSurvives fails for an option that the outbox does not know of: it would
// be dropped in silence.
func TestEveryOptionSurvives(t *testing.T) {
	t.Parallel()
	at := time.Date(2030, 1, 2, 3, 4, 5, 678900000, time.FixedZone("", 3600))
	for _, given := range [][]drayhorse.Option{
		nil,
		{drayhorse.Queue("mail"), drayhorse.ID("welcome-42"), drayhorse.In(time.Minute + time.Nanosecond), drayhorse.MaxAttempts(3),
			drayhorse.Timeout(1500 * time.Microsecond), drayhorse.Retain(time.Hour), drayhorse.Durable(2), drayhorse.StartWithin(time.Minute), drayhorse.Low, drayhorse.Group("tenant-42"), drayhorse.Tags("import", "eu")},
		{drayhorse.At(at), drayhorse.Retain(0), drayhorse.Durable(0), drayhorse.ID("a")},
	} {
		r, err := testBox(t).newRow(drayhorse.Spec{Args: welcome{42}, Options: given})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.ready(); err != nil {
			t.Fatal(err)
		}
		want, err := drayhorse.Resolve(append(given, drayhorse.Queue(r.queue), drayhorse.ID(r.jobID))...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := drayhorse.Resolve(r.spec.Options...)
		if err != nil {
			t.Fatal(err)
		}
		if !got.At.Equal(want.At) {
			t.Errorf("At = %v, want %v", got.At, want.At)
		}
		got.At = want.At // another pointer to the zone
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s became %+v, want %+v", r.options, got, want)
		}
	}
	// ReplaceEnded and Unique are refused, and Fresh everywhere but by producer.Do.
	fields := map[string]bool{"Queue": true, "ID": true, "In": true, "At": true, "MaxAttempts": true, "Timeout": true, "Retain": true, "Durable": true, "ReplaceEnded": true, "Unique": true, "Fresh": true, "StartWithin": true, "Priority": true, "Group": true, "Tags": true, "Given": true}
	for i := range reflect.TypeFor[drayhorse.Settings]().NumField() {
		if name := reflect.TypeFor[drayhorse.Settings]().Field(i).Name; !fields[name] {
			t.Errorf("the outbox drops %s: write it in encodeOptions, read it in stored.options, and give it in this test", name)
		}
	}
}

// TestInCountsFromEnqueue: a row that waited has less to wait.
func TestInCountsFromEnqueue(t *testing.T) {
	t.Parallel()
	for age, want := range map[time.Duration]time.Duration{0: time.Hour, 10 * time.Minute: 50 * time.Minute, 2 * time.Hour: 0} {
		r := &row{queue: "q", jobID: "a", kind: "k", options: `{"in":"1h0m0s"}`, age: age}
		if err := r.ready(); err != nil {
			t.Fatal(err)
		}
		if got, err := drayhorse.Resolve(r.spec.Options...); err != nil || got.In != want {
			t.Errorf("after %v: In(%v), %v, want %v", age, got.In, err, want)
		}
	}
}

// TestStartWithinCountsFromEnqueue, or from when the job is due: a row that waited for too
// long becomes a job that is seen to have expired.
func TestStartWithinCountsFromEnqueue(t *testing.T) {
	t.Parallel()
	for options, want := range map[string]time.Duration{
		`{"start_within":"1h0m0s"}`: 50 * time.Minute, `{"start_within":"1m0s"}`: time.Millisecond,
		`{"start_within":"1h0m0s","in":"5m0s"}`: 55 * time.Minute, `{"start_within":"1h0m0s","in":"2h0m0s"}`: time.Hour,
		`{"start_within":"1h0m0s","at":"2030-01-02T03:04:05Z"}`: time.Hour,
	} {
		r := &row{queue: "q", jobID: "a", kind: "k", options: options, age: 10 * time.Minute}
		if err := r.ready(); err != nil {
			t.Fatal(err)
		}
		if got, err := drayhorse.Resolve(r.spec.Options...); err != nil || got.StartWithin != want {
			t.Errorf("%s: StartWithin(%v), %v, want %v", options, got.StartWithin, err, want)
		}
	}
}

func TestOptionsOfANewerVersionAreRefused(t *testing.T) {
	t.Parallel()
	for _, options := range []string{`{"colour":"red"}`, `{"priority":"highest"}`, `{`, `{"timeout":"soon"}`, `[]`} {
		r := &row{queue: "q", jobID: "a", kind: "k", options: options}
		if err := r.ready(); err == nil {
			t.Errorf("%s is accepted", options)
		}
	}
}

func FuzzOptions(f *testing.F) {
	f.Add(`{"max_attempts":5,"timeout":"30s","retain":"1h","in":"1m","at":"2030-01-01T00:00:00Z","durable":1}`)
	f.Fuzz(func(t *testing.T, options string) {
		r := &row{queue: "q", jobID: "a", kind: "k", options: options}
		if r.ready() == nil {
			_, _ = drayhorse.Resolve(r.spec.Options...)
		}
	})
}
