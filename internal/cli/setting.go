package cli

import (
	"reflect"
	"strings"
)

// setting is one field of a config struct, with its names.
type setting struct {
	key    string // in the file; "": neither there nor in the environment
	flag   string
	usage  string
	short  string   // of one letter, for the flag
	values []string // that a shell completes; nil: any
	arg    string   // what the flag's help calls its value
	bare   bool     // the flag may stand without a value, and then says true
	value  reflect.Value
}

const envPrefix = "DRAYHORSE_"

// env is the name of the setting's environment variable.
func (s setting) env() string { return envPrefix + strings.ToUpper(s.key) }

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
		s := setting{key: key, flag: field.Tag.Get("flag"), usage: usage, short: field.Tag.Get("short"), arg: field.Tag.Get("arg"), bare: field.Tag.Get("bare") != "", value: v.Field(i)}
		if values := field.Tag.Get("values"); values != "" {
			s.values = strings.Split(values, ",")
		}
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
