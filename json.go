package drayhorse

import (
	"bytes"
	"encoding/json"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// Decode turns a job with raw arguments into one with typed arguments. Fields that T
// does not have are passed over. The error is an ArgsError, which says what of the
// arguments does not fit T.
func Decode[T any](raw *Job[json.RawMessage]) (*Job[T], error) { return decode[T](raw, false) }

// DecodeStrict is Decode that refuses fields which T does not have.
func DecodeStrict[T any](raw *Job[json.RawMessage]) (*Job[T], error) { return decode[T](raw, true) }

func decode[T any](raw *Job[json.RawMessage], strict bool) (*Job[T], error) {
	job := &Job[T]{
		ID: raw.ID, Kind: raw.Kind, Attempt: raw.Attempt, MaxAttempts: raw.MaxAttempts,
		Queue: raw.Queue, EnqueuedAt: raw.EnqueuedAt, DueAt: raw.DueAt, Tick: raw.Tick, Trace: raw.Trace, recorder: raw.recorder,
	}
	if args, ok := any(&job.Args).(*json.RawMessage); ok {
		*args = raw.Args
		return job, nil
	}
	options := likeV1
	if strict {
		options = likeV1Strict
	}
	if jsonv2.Unmarshal(raw.Args, &job.Args, options) == nil {
		return job, nil
	}
	// encoding/json has the last word, and the words that everybody knows.
	var args T
	if err := unmarshal(raw.Args, &args, strict); err != nil {
		return nil, newArgsError[T](raw.Kind, err)
	}
	job.Args = args
	return job, nil
}

// unmarshal is json.Unmarshal, which has no strict way.
func unmarshal(data []byte, to any, strict bool) error {
	if !strict {
		return json.Unmarshal(data, to)
	}
	d := json.NewDecoder(bytes.NewReader(data)) // what comes after a value was refused when the job was enqueued
	d.DisallowUnknownFields()
	return d.Decode(to)
}

// likeV1 has encoding/json/v2 decode as encoding/json does, in less than half the time. Left
// out is what only matters for the wording of errors, among it to scan everything once
// before. json.Number is the one type that only encoding/json itself knows before Go 1.27.
var likeV1 = jsonv2.JoinOptions(
	jsonv1.DefaultOptionsV1(),
	jsonv1.ReportErrorsWithLegacySemantics(false),
	jsonv2.WithUnmarshalers(jsonv2.UnmarshalFunc(
		func(data []byte, number *json.Number) error { return json.Unmarshal(data, number) },
	)),
)

var likeV1Strict = jsonv2.JoinOptions(likeV1, jsonv2.RejectUnknownMembers(true))

// checkJSON says what is wrong with JSON, if anything is.
func checkJSON(data []byte) error {
	if jsontext.Value(data).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
		return nil
	}
	var whole json.RawMessage
	return json.Unmarshal(data, &whole) // the last word, as above
}
