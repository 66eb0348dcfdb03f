package asynqtask_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/asynqtask"
)

// back gives the task that comes out of the job of a task.
func back(t *testing.T, task *asynqtask.Task) *asynqtask.Task {
	t.Helper()
	kind, id, args := task.Kind(), asynqtask.JobID(task.ID), task.Args()
	if err := drayhorse.ValidateKind(kind); err != nil {
		t.Fatal(err)
	}
	if err := drayhorse.ValidateID(id); err != nil {
		t.Fatal(err)
	}
	stored, err := drayhorse.EncodeArgs(drayhorse.Raw(kind, args), 16<<20)
	if err != nil {
		t.Fatalf("%q is no JSON: %v", args, err)
	}
	got, err := asynqtask.Of(id, kind, stored)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestTasksComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	for _, task := range []asynqtask.Task{
		{ID: "1", Type: "email:deliver", Payload: []byte(`{"UserID":42}`)},
		{ID: "1", Type: "email:deliver", Payload: []byte(" {\n\t\"big\": 12345678901234567890 , \"a\":[] } \n")},
		{ID: "1", Type: "t", Payload: []byte(`null`)},
		{ID: "1", Type: "t"},
		{ID: "1", Type: "t", Payload: []byte("  ")},
		{ID: "1", Type: "t", Payload: []byte("\x00\xff\xfe binary")},
		{ID: "1", Type: "t", Payload: []byte("\"\xff\"")},
		{ID: "1", Type: "t", Payload: []byte(`{"$asynq":{"payload":"aGk="}}`)},
		{ID: "1", Type: "t", Payload: []byte(`{"$asynq":1}`)},
		{ID: "1", Type: "t", Payload: []byte(`1`), Headers: map[string]string{"trace": "ü\x01"}},
		{ID: "1", Type: "t", Payload: []byte(`1`), Deadline: time.Unix(1_800_000_000, 0).UTC()},
		{ID: "user/42 ü", Type: "send email/now ü", Payload: []byte(`{}`)},
		{ID: strings.Repeat("i", 300), Type: strings.Repeat("t", 300), Payload: []byte(`{}`)},
	} {
		if got := back(t, &task); !reflect.DeepEqual(got, &task) {
			t.Errorf("%+v comes back as %+v", task, *got)
		}
	}
}

func TestJSONTravelsAsItself(t *testing.T) {
	t.Parallel()
	task := asynqtask.Task{ID: "1", Type: "t", Payload: []byte("{ \"a\" : 1 }\n")}
	if got := task.Args(); string(got) != string(task.Payload) {
		t.Errorf("args = %q, want %q", got, task.Payload)
	}
}

func TestResultsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	for _, want := range []string{"", "plain", "{\"a\":1}", "{ \"a\": 1 }", "\"<b>\"", "\xff", "null"} {
		stored, err := json.Marshal(asynqtask.Result([]byte(want)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := asynqtask.Payload(stored); err != nil || string(got) != want {
			t.Errorf("%q comes back as %q, %v", want, got, err)
		}
	}
}

func FuzzTasks(f *testing.F) {
	f.Add("1", "t", []byte(`{"$asynq":{}}`))
	f.Add("a b", "c/d", []byte("\xff"))
	f.Fuzz(func(t *testing.T, id, kind string, payload []byte) {
		// asynq takes no other names.
		if strings.TrimSpace(id) == "" || strings.TrimSpace(kind) == "" || !utf8.ValidString(id) || !utf8.ValidString(kind) {
			t.Skip()
		}
		got := back(t, &asynqtask.Task{ID: id, Type: kind, Payload: payload})
		if got.ID != id || got.Type != kind || string(got.Payload) != string(payload) {
			t.Errorf("%q %q %q comes back as %+v", id, kind, payload, got)
		}
	})
}
