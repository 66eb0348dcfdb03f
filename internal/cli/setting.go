package cli

import (
	"encoding"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// setting is one field of a config struct, with its names.
type setting struct {
	key   string // in the file; "": neither there nor in the environment
	flag  string
	usage string
	arg   string // what the flag's help calls its value
	value reflect.Value
}

// env is the name of the setting's environment variable.
func (s setting) env() string { return "DRAYHORSE_" + strings.ToUpper(s.key) }

// settings gives the settings of a config, a pointer to a struct, those of embedded
// structs included.
func settings(config any) []setting {
	return settingsOf(reflect.ValueOf(config).Elem())
}

func settingsOf(v reflect.Value) []setting {
	var all []setting
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Anonymous {
			all = append(all, settingsOf(v.Field(i))...)
			continue
		}
		usage, ok := field.Tag.Lookup("usage")
		if !ok {
			continue
		}
		key := keyOf(field)
		if key == "-" {
			key = ""
		}
		s := setting{key: key, flag: field.Tag.Get("flag"), usage: usage, arg: field.Tag.Get("arg"), value: v.Field(i)}
		if s.flag == "" {
			s.flag = strings.ReplaceAll(key, "_", "-")
		}
		all = append(all, s)
	}
	return all
}

func keyOf(field reflect.StructField) string {
	key, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
	return key
}

// keys gives the keys that a config file may have at its top.
func keys(t reflect.Type) []string {
	var all []string
	for i := range t.NumField() {
		field := t.Field(i)
		if field.Anonymous {
			all = append(all, keys(field.Type)...)
		} else if key := keyOf(field); key != "-" && key != "" {
			all = append(all, key)
		}
	}
	return all
}

// innerKeys gives the keys that a config file may have anywhere below its top.
func innerKeys(t reflect.Type) []string {
	var all []string
	for i := range t.NumField() {
		field := t.Field(i).Type
		for slices.Contains([]reflect.Kind{reflect.Map, reflect.Slice, reflect.Pointer}, field.Kind()) {
			field = field.Elem()
		}
		if field.Kind() != reflect.Struct {
			continue
		}
		if !t.Field(i).Anonymous {
			all = append(all, keys(field)...)
		}
		all = append(all, innerKeys(field)...)
	}
	return all
}

// valueError is a text that is no value of a setting.
type valueError struct{ text, want string }

func (e *valueError) Error() string { return strconv.Quote(e.text) + "; want " + e.want }

// adder is a value that is made of several texts.
type adder interface{ Add(text string) error }

// assign sets v, which is addressable, to what text says. The error is a
// *valueError.
func assign(v reflect.Value, text string) error {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		return assign(v.Elem(), text)
	}
	var err error
	want := ""
	switch p := v.Addr().Interface().(type) {
	case *bool:
		*p, err = strconv.ParseBool(text)
		want = "true or false"
	case *int:
		*p, err = strconv.Atoi(text)
		want = "a whole number"
	case *time.Duration:
		*p, err = time.ParseDuration(text)
		want = "a duration such as 500ms, 30s or 5m"
	case *time.Time:
		*p, err = time.Parse(time.RFC3339, text)
		want = "a time such as " + time.Date(2030, 1, 2, 15, 4, 5, 0, time.UTC).Format(time.RFC3339)
	case adder:
		return p.Add(text)
	case encoding.TextUnmarshaler:
		return p.UnmarshalText([]byte(text))
	default:
		v.SetString(text)
	}
	if err != nil {
		return &valueError{text, want}
	}
	return nil
}
