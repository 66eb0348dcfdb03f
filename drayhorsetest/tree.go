package drayhorsetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/drayhorse/drayhorse"
)

// tree is arguments as JSON that others are compared with: what they have beyond it does
// not matter, nor do its fields that have their zero value.
type tree struct {
	value any
	zero  any  // of the same type; absent where that is not known
	typed bool // zero values match anything
}

// absent stands for a value that is not there.
type absent struct{}

// treeOf makes the tree of arguments that are encoded as text.
func treeOf(args drayhorse.Args, text json.RawMessage) (tree, error) {
	value, err := parse(text)
	if err != nil {
		return tree{}, fmt.Errorf("arguments of kind %q: %w", args.Kind(), err)
	}
	t := tree{value: value, zero: absent{}, typed: reflect.TypeOf(args) != reflect.TypeOf(drayhorse.Raw("", nil))}
	if t.typed {
		t.zero = zeroTree(reflect.TypeOf(args))
	}
	return t, nil
}

// zeroTree is what the zero value of a type is encoded as.
func zeroTree(t reflect.Type) (zero any) {
	defer func() {
		if recover() != nil { // its MarshalJSON panics
			zero = absent{}
		}
	}()
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	text, err := json.Marshal(reflect.New(t).Interface())
	if err != nil {
		return absent{}
	}
	if zero, err = parse(text); err != nil {
		return absent{}
	}
	return zero
}

// parse reads JSON and keeps its numbers as they are written.
func parse(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("not JSON: more behind its end")
	}
	return value, nil
}

// differences says where got is not as the tree asks for.
func (t tree) differences(path string, got any) []difference {
	if t.matchesAnything() {
		return nil
	}
	switch value := t.value.(type) {
	case map[string]any:
		return t.inObject(path, value, got)
	case []any:
		return t.inArray(path, value, got)
	}
	if equal(t.value, got) {
		return nil
	}
	return []difference{{path, show(t.value), show(got)}}
}

// matchesAnything reports whether the tree is a field of which nothing is asked.
func (t tree) matchesAnything() bool {
	switch {
	case !t.typed:
		return false
	case t.zero != absent{}:
		return reflect.DeepEqual(t.value, t.zero)
	default:
		return isZero(t.value)
	}
}

func (t tree) inObject(path string, value map[string]any, got any) (all []difference) {
	object, ok := got.(map[string]any)
	if !ok {
		return []difference{{path, show(t.value), show(got)}}
	}
	zeros, _ := t.zero.(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(value)) {
		field := tree{value[key], absent{}, t.typed}
		if zero, known := zeros[key]; known {
			field.zero = zero
		}
		has, there := object[key]
		if !there {
			has = absent{}
		}
		all = append(all, field.differences(path+"."+key, has)...)
	}
	return all
}

func (t tree) inArray(path string, value []any, got any) (all []difference) {
	array, ok := got.([]any)
	if !ok || len(array) != len(value) {
		return []difference{{path, show(t.value), show(got)}}
	}
	for i := range value {
		element := tree{value[i], absent{}, t.typed}
		if _, object := value[i].(map[string]any); !object {
			element.typed = false // an element is no field
		}
		all = append(all, element.differences(path+"["+strconv.Itoa(i)+"]", array[i])...)
	}
	return all
}

func isZero(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case json.Number:
		f, err := v.Float64()
		return err == nil && f == 0
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// equal compares values that are no objects and no arrays: numbers and times by what they
// stand for.
func equal(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && (a == b || sameNumber(a, b))
	case string:
		b, ok := b.(string)
		return ok && (a == b || sameTime(a, b))
	}
	return reflect.DeepEqual(a, b)
}

func sameNumber(a, b json.Number) bool {
	const most = 100 // digits: a large exponent would take all memory
	if len(a) > most || len(b) > most || bytes.ContainsAny([]byte(a+b), "eE") {
		x, err1 := a.Float64()
		y, err2 := b.Float64()
		return err1 == nil && err2 == nil && x == y
	}
	x, ok1 := new(big.Rat).SetString(string(a))
	y, ok2 := new(big.Rat).SetString(string(b))
	return ok1 && ok2 && x.Cmp(y) == 0
}

func sameTime(a, b string) bool {
	x, err1 := time.Parse(time.RFC3339Nano, a)
	y, err2 := time.Parse(time.RFC3339Nano, b)
	return err1 == nil && err2 == nil && x.Equal(y)
}

// show gives a value as it is written in JSON, cut if it is long.
func show(v any) string {
	if v == (absent{}) {
		return "nothing"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return shorten(string(text), 100)
}
