package conf

import (
	"encoding"
	"math"
	"reflect"
	"strconv"
	"time"

	"github.com/drayhorse/drayhorse/internal/duration"
)

// ValueError is a text that is no value of a setting.
type ValueError struct{ Text, Want string }

func (e *ValueError) Error() string { return strconv.Quote(clip(e.Text)) + "; want " + e.Want }

// Adder is a value that is made of several texts.
type Adder interface{ Add(text string) error }

// Assign sets v, which is addressable, to what text says. The error is a
// *ValueError, or what an Adder or encoding.TextUnmarshaler says.
func Assign(v reflect.Value, text string) error {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		return Assign(v.Elem(), text)
	}
	var err error
	switch p := v.Addr().Interface().(type) {
	case *bool:
		*p, err = strconv.ParseBool(text)
	case *int:
		*p, err = strconv.Atoi(text)
	case *float64:
		if *p, err = strconv.ParseFloat(text, 64); err == nil && (math.IsNaN(*p) || math.IsInf(*p, 0)) {
			err = strconv.ErrRange
		}
	case *time.Duration:
		*p, err = duration.Parse(text)
	case *time.Time:
		*p, err = time.Parse(time.RFC3339, text)
	case Adder:
		return p.Add(text)
	case encoding.TextUnmarshaler:
		return p.UnmarshalText([]byte(text))
	default:
		v.SetString(text)
	}
	if err != nil {
		return &ValueError{text, wanted(v.Type())}
	}
	return nil
}

// wanted says what values of a type look like.
func wanted(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "a duration such as 500ms, 30s, 5m or 7d"
	case reflect.TypeFor[time.Time]():
		return "a time such as 2030-01-02T15:04:05Z"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return wanted(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "keys with values"
	}
	return "text"
}
