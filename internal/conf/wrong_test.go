package conf_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/conf"
)

func TestMistakesAreNamedWithLineAndKey(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"nmber: 5":                   `1: key "nmber" is not known; did you mean number?`,
		"zzzzzz: 5":                  `1: key "zzzzzz" is not known; see the keys that --print-config shows`,
		"\n# x\nnumber: abc":         `3: number "abc"; want a whole number`,
		"number: 1.5":                `1: number "1.5"; want a whole number`,
		"number: 1_000":              `1: number "1_000"; want a whole number`,
		"number: 0x10":               `1: number "0x10"; want a whole number`,
		"number: {a: 1}":             `1: number has keys with values; want a whole number`,
		"codes: [1, b]":              `1: codes[1] "b"; want a whole number`,
		"codes: [1, ~]":              `1: codes[1] "~"; want a whole number`,
		"command: [a, ]\nset: b":     `2: set "b"; want keys with values`,
		"command:\n  - a\n  -\n":     `3: command[1] is empty; want a value, or "" for empty text`,
		"command: [[a]]":             `1: command[0] is a list; want text`,
		"command: ls":                `1: command "ls"; want a list`,
		"rate: .nan":                 `1: rate ".nan"; want a number`,
		"pause: 5":                   `1: pause "5"; want a duration such as 500ms, 30s, 5m or 7d`,
		"strict: maybe":              `1: strict "maybe"; want true or false`,
		"at: 2030-01-02":             `1: at "2030-01-02"; want a time such as 2030-01-02T15:04:05Z`,
		"name: [a]":                  `1: name is a list; want text`,
		"weights: [a]":               `1: weights is a list; want keys with values`,
		"weights:\n  a: x":           `2: weights.a "x"; want a whole number`,
		"entries: {a: b}":            `1: entries has keys with values; want a list`,
		"entries:\n- inner: {d: }":   `2: key "entries[0].inner.d" is not known; did you mean id?`,
		"number: 1\nnumber: 2":       `2: key "number" is there already, at line 1; want it once`,
		"x-a: &a {}\n<<: *a\n<<: *a": `3: key "<<" is there already, at line 2; want it once`,
		"<<: 5":                      `1: << "5"; want an alias of keys with values, or a list of them`,
		"args: {<<: [5]}":            `1: args.<< is a list; want an alias of keys with values, or a list of them`,
		"args: {[a]: b}":             `1: args has a key that is no text; want text`,
		"args: .inf":                 `1: args ".inf"; want a number that JSON has, or quotes`,
		"args: !!int 5.5":            `1: args "5.5"; want a whole number that fits its tag !!int`,
		"args: {v: !mine x}":         `1: args.v has the tag !mine; want none`,
		"x-a: &a [*a]\nargs: *a":     `1: args[0] is an alias of what it stands in; want another one`,
		"args: &a {<<: *a}":          `1: args.<< is an alias of what it stands in; want another one`,
		"---\na: 1\n---\nb: 2":       `3: a second document; want one`,
		"- a":                        `1: the file is a list; want keys with values`,
		"hello":                      `1: "hello"; want keys with values`,
		"number: {":                  `1: "number: {"; want a value, and an end of each [ and {`,
		"number: [1\nname: a":        `1: [ without its ], or a comma is missing`,
		"number: {a: 1\nname: b":     `1: { without its }, or a comma is missing`,
		"number: 'a\nname: b":        `1: a quote that is not closed`,
		"number\nname: b":            `2: "name: b" does not fit the line above; want KEY: VALUE in both, at one indentation`,
		"name: a: b":                 `1: put the value in quotes, name: "a: b": the line has a second colon`,
		"name: @a":                   `1: put the value in quotes, name: "@a": text cannot begin with @ without quotes`,
		"\tname: a":                  `1: a tab before the text; want spaces`,
		"name: a\n  b: c\n":          `2: "b: c" does not fit the line above`,
		"entries:\n  - id: a\n    kind: k\n    queue: */5 * * * *\n": `4: put the value in quotes, queue: "*/5 * * * *": text that begins with * is an alias without quotes`,
		"entries:\n  - id: a\n    kind: k\n    queue: * * * * *":     `4: put the value in quotes, queue: "* * * * *": text that begins with * is an alias without quotes`,
		"name: *mail":        `1: put the value in quotes, name: "*mail": no anchor of that name stands above`,
		"name: & b":          `1: put the value in quotes, name: "& b": text that begins with & is an anchor without quotes`,
		"%YAML 2.0\n---\na:": `1: "%YAML 2.0"; want %YAML 1.2, or no such line`,
		"name: \"a\nb: \xff": `2: a byte that is no UTF-8; want a text file in UTF-8`,
		"name: a\x00":        `control characters are not allowed`,
		"name: a\nentries:\n  - id: b\n   kind: c\n": `at another indentation`,
		strings.Repeat("[", 200):                     `1: lists and keys are nested more than 100 deep; want fewer levels`,
		strings.Repeat("- ", 200) + "x":              `1: lists and keys are nested more than 100 deep; want fewer levels`,
		"name: " + strings.Repeat("[1],", 5_001):     `it has more than 10000 entries; want fewer, or several files`,
		"# " + strings.Repeat("x", 1<<20):            `it has 1048578 bytes; want at most 1048576`,
	} {
		_, err := decode(content)
		if err == nil || !errors.Is(err, drayhorse.ErrInvalid) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: got %v; want %s", content, err, want)
		}
	}
}

func TestAllMistakesOfAFileAreNamed(t *testing.T) {
	t.Parallel()
	_, err := decode("number: x\nentries:\n  - {id: a, knd: k}\n  - {id: [b]}\nstrict: 2\npause: 1\nnmber: 1\n")
	want := `f.yaml:1: number "x"; want a whole number
f.yaml:3: key "entries[0].knd" is not known; did you mean kind?
f.yaml:4: entries[1].id is a list; want text
f.yaml:5: strict "2"; want true or false
f.yaml:6: pause "1"; want a duration such as 500ms, 30s, 5m or 7d
f.yaml:7: key "nmber" is not known; did you mean number?`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	var many strings.Builder
	for i := range 50 {
		fmt.Fprintf(&many, "k%d: 1\n", i)
	}
	if _, err := decode(many.String()); strings.Count(err.Error(), "\n") != 20 || !strings.HasSuffix(err.Error(), "30 more mistakes") {
		t.Errorf("got\n%v", err)
	}
}

func TestValuesAreFoundByTheirLines(t *testing.T) {
	t.Parallel()
	lines, err := conf.Decode("f.yaml", []byte("name: a\nentries:\n  - id: a\n  - id: b\n    inner:\n      id: c\n"), small, &file{})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]int{
		"name": 1, "entries[0]": 3, "entries[1].id": 4, "entries[1].inner.id": 6, "entries[1].inner.kind": 6, "entries[1].queue": 4, "nowhere": 0, "": 0,
	} {
		if got := lines.At(key); got != want {
			t.Errorf("%s: line %d; want %d", key, got, want)
		}
	}
}
