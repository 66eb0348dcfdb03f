// Package asynqtask says how an asynq task is written as a job, so that a handler
// gets back, byte for byte, the task that was enqueued.
//
// The payload of a task is any bytes, the arguments of a job are JSON. A payload
// that is JSON is the arguments as it stands, white space included, so that
// handlers that know nothing of asynq can read it. Anything else, and what a job has
// no place for, is wrapped:
//
//	{"$asynq":{"payload":"BASE64","headers":{...},"deadline":"...","type":"...","id":"..."}}
//
// with headers, deadline (RFC 3339), type and id only where there are any: the last
// two where asynq's name is no name of a kind, or no ID, here.
package asynqtask

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/drayhorse/drayhorse"
)

// Task is what handlers see of a task, and what they can ask of its context.
type Task struct {
	ID       string // empty: the job's
	Type     string
	Payload  []byte
	Headers  map[string]string
	Deadline time.Time // zero: none
}

// marker begins arguments that wrap a task.
const marker = `{"$asynq":`

type wrapped struct {
	Task wrap `json:"$asynq"`
}

type wrap struct {
	Payload  []byte            `json:"payload,omitempty"`
	Headers  map[string]string `json:"headers,omitempty"`
	Deadline time.Time         `json:"deadline,omitzero"`
	Type     string            `json:"type,omitempty"`
	ID       string            `json:"id,omitempty"`
}

// Args gives the arguments of the task's job.
func (t *Task) Args() json.RawMessage {
	w := wrap{Headers: t.Headers, Deadline: t.Deadline}
	if t.Kind() != t.Type {
		w.Type = t.Type
	}
	if t.ID != "" && JobID(t.ID) != t.ID {
		w.ID = t.ID
	}
	if len(w.Headers) == 0 && w.Deadline.IsZero() && w.Type == "" && w.ID == "" && standsAlone(t.Payload) {
		return t.Payload
	}
	w.Payload = t.Payload
	return w.encode()
}

func (w wrap) encode() json.RawMessage {
	args, err := json.Marshal(wrapped{w})
	if err != nil {
		panic(fmt.Sprintf("asynqtask: %v", err)) // bytes, strings and a time of year 0 to 9999
	}
	return args
}

// standsAlone reports whether a payload can be arguments as it is.
func standsAlone(payload []byte) bool {
	return !bytes.HasPrefix(payload, []byte(marker)) && utf8.Valid(payload) && json.Valid(payload)
}

// Of gives the task that a job stands for. The error says what of its arguments
// cannot be read.
func Of(id, kind string, args json.RawMessage) (*Task, error) {
	w, err := unwrap(args)
	if err != nil {
		return nil, err
	}
	t := &Task{ID: w.ID, Type: w.Type, Payload: w.Payload, Headers: w.Headers, Deadline: w.Deadline}
	if t.ID == "" {
		t.ID = id
	}
	if t.Type == "" {
		t.Type = kind
	}
	return t, nil
}

// Payload gives the payload that arguments stand for.
func Payload(args json.RawMessage) ([]byte, error) {
	w, err := unwrap(args)
	return w.Payload, err
}

func unwrap(args json.RawMessage) (wrap, error) {
	if !bytes.HasPrefix(args, []byte(marker)) {
		return wrap{Payload: args}, nil
	}
	var w wrapped
	if err := json.Unmarshal(args, &w); err != nil {
		return wrap{}, fmt.Errorf("arguments of an asynq task: %w", err)
	}
	return w.Task, nil
}

// Result gives the JSON that stands for what a handler wrote as its result; Payload
// reads it back.
func Result(data []byte) json.RawMessage {
	// A result is encoded once more on its way, which must not change it.
	if again, err := json.Marshal(json.RawMessage(data)); err == nil && bytes.Equal(again, data) && standsAlone(data) {
		return data
	}
	return wrap{Payload: data}.encode()
}

// Kind is the kind of the task's job: its type, as far as kinds are spelt so. Other
// characters become dashes.
func (t *Task) Kind() string {
	if drayhorse.ValidateKind(t.Type) == nil {
		return t.Type
	}
	kind := strings.Map(func(r rune) rune {
		if drayhorse.ValidateKind(string(r)) == nil {
			return r
		}
		return '-'
	}, t.Type)
	return kind[:min(len(kind), drayhorse.MaxNameLength)]
}

// JobID is the ID of the job of the task of that ID: the same where it can be, else
// one that is always the same for the same task.
func JobID(taskID string) string {
	if drayhorse.ValidateID(taskID) == nil {
		return taskID
	}
	sum := sha256.Sum256([]byte(taskID))
	return "asynq@" + hex.EncodeToString(sum[:16])
}
