package handlers

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	t.Parallel()
	const args = `{"a":"x","b":{"c":{"d":"deep"}},"n":9007199254740993,"f":1.50e3,"t":true,"dash":"-rf","neg":-1,
		"empty":"","null":null,"list":[1],"braces":"{{a}}","nul":"a\u0000b","ключ":"з"}`
	for item, want := range map[string]string{
		"plain":             "plain",
		"":                  "",
		"{a}":               "{a}",
		"a}}":               "a}}",
		"{{{{a}}":           "{{a}}",
		"{{a}}":             "x",
		"{{ a }}":           "x",
		"--of={{a}}/{{a}}!": "--of=x/x!",
		"{{b.c.d}}":         "deep",
		"{{n}}":             "9007199254740993",
		"{{f}}":             "1.50e3",
		"{{t}}":             "true",
		"{{empty}}":         "",
		"{{braces}}{{a}}":   "{{a}}x",
		"{{ключ}}":          "з",
		"-{{dash}}":         "--rf",
		"./{{dash}}":        "./-rf",
		"{{dash}}":          "!starts with a dash",
		"{{neg}}":           "!starts with a dash",
		"{{empty}}{{dash}}": "!starts with a dash",
		"{{empty}}-x":       "!starts with a dash",
		"{{none}}":          "!argument none: missing",
		"{{a.b}}":           "!argument a.b: missing",
		"{{b.c.x}}":         "!argument b.c.x: missing",
		"{{list.0}}":        "!argument list.0: missing",
		"{{b}}":             "!is an object",
		"{{list}}":          "!is an array",
		"{{null}}":          "!is null",
		"x={{nul}}":         "!NUL",
	} {
		decoded, err := decodeArgs(json.RawMessage(args))
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parseTemplate(item)
		if err != nil {
			t.Errorf("parse %q: %v", item, err)
			continue
		}
		got, err := parsed.expand(decoded, false)
		if complaint, ok := strings.CutPrefix(want, "!"); ok {
			if err == nil || !strings.Contains(err.Error(), complaint) {
				t.Errorf("%q gives %q, %v; want an error with %q", item, got, err, complaint)
			}
		} else if err != nil || got != want {
			t.Errorf("%q gives %q, %v; want %q", item, got, err, want)
		}
	}
}

func TestPlaceholdersThatAreNone(t *testing.T) {
	t.Parallel()
	for _, item := range []string{"{{", "{{a", "{{}}", "{{ }}", "{{a.}}", "{{.a}}", "{{a..b}}", "{{a b}}", "{{a\n}}", "{{{a}}}", "{{a|b}}", "{{$a}}", "x{{a}}{{"} {
		if parsed, err := parseTemplate(item); err == nil {
			t.Errorf("%q is read as %v; want an error", item, parsed)
		}
	}
}

// FuzzTemplate: an item that is read is written as it was meant, and a value goes
// in byte for byte and is never read as a template itself.
func FuzzTemplate(f *testing.F) {
	for _, item := range []string{"", "a", "{{a}}", "-{{ a.b }}-", "{{{{x}}", "{{{{{{a}}", "{{{", "}}", "{{a}}{{b}}"} {
		f.Add(item, "value")
		f.Add(item, "{{a}}")
		f.Add(item, "-$(id)\n")
	}
	f.Fuzz(func(t *testing.T, item, value string) {
		parsed, err := parseTemplate(item)
		if err != nil {
			return
		}
		again, err := parseTemplate(parsed.String())
		if err != nil || again.String() != parsed.String() || len(again) != len(parsed) {
			t.Fatalf("%q is written %q, which reads as %q, %v", item, parsed, again, err)
		}
		args := map[string]any{}
		var want strings.Builder
		for _, p := range parsed {
			if p.path == nil {
				want.WriteString(p.text)
				continue
			}
			want.WriteString(value)
			if !plant(args, p.path, value) {
				return // one path leads through another's value
			}
		}
		got, err := parsed.expand(args, true)
		switch {
		case err != nil:
			if !parsed.placeholders() || !strings.Contains(value, "\x00") {
				t.Fatalf("%q with %q: %v", item, value, err)
			}
		case got != want.String():
			t.Fatalf("%q with %q gives %q; want %q", item, value, got, want.String())
		}
		got, err = parsed.expand(args, false)
		if err == nil && parsed.startsWithValue() && strings.HasPrefix(got, "-") {
			t.Fatalf("%q with %q gives the option %q", item, value, got)
		}
	})
}

// plant puts value at path, and reports whether there is room.
func plant(args map[string]any, path []string, value string) bool {
	for _, field := range path[:len(path)-1] {
		if args[field] == nil {
			args[field] = map[string]any{}
		}
		inner, ok := args[field].(map[string]any)
		if !ok {
			return false
		}
		args = inner
	}
	last := path[len(path)-1]
	if _, isObject := args[last].(map[string]any); isObject {
		return false
	}
	args[last] = value
	return true
}
