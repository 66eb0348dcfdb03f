package conf_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/conf"
)

// file has a field of each kind.
type file struct {
	Name     string         `yaml:"name"`
	Number   int            `yaml:"number"`
	Rate     *float64       `yaml:"rate"`
	Pause    time.Duration  `yaml:"pause"`
	Strict   bool           `yaml:"strict"`
	At       *time.Time     `yaml:"at"`
	Command  []string       `yaml:"command"`
	Codes    []int          `yaml:"codes"`
	Weights  map[string]int `yaml:"weights"`
	Args     conf.JSON      `yaml:"args"`
	Entries  []entry        `yaml:"entries"`
	Embedded `yaml:",inline"`
}

// Embedded is part of the file that holds it.
type Embedded struct {
	Set map[string]string `yaml:"set"`
}

type entry struct {
	ID    string `yaml:"id"`
	Kind  string `yaml:"kind"`
	Queue string `yaml:"queue"`
	Inner *entry `yaml:"inner"`
}

var small = conf.Limits{Bytes: 1 << 20, Entries: 10_000}

func decode(content string) (*file, error) {
	f := &file{Name: "default", Number: 7}
	_, err := conf.Decode("f.yaml", []byte(content), small, f)
	return f, err
}

func TestTextIsTakenAsItStands(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"0644", "1.10", "0x1F", "0b11", "1_000", "+5", "yes", "no", "off", "True", "2024-01-02", "12:30:00", "2001-12-14t21:59:43.10-05:00",
		"1e3", ".5", "5.", "010", "0o17", "9007199254740993", "12345678901234567890123", "-0", ".inf", ".nan", "null", "~", "é", "a: b"[:1], "<<x", "=",
	} {
		f, err := decode("entries: [{id: " + text + "}]\ncommand: [chmod, " + text + "]\nset: {V: " + text + "}\n")
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if f.Command[1] != text || f.Set["V"] != text {
			t.Errorf("%s: got %q and %q", text, f.Command[1], f.Set["V"])
		}
		if want := strings.NewReplacer("null", "", "~", "").Replace(text); f.Entries[0].ID != want { // nothing is said
			t.Errorf("%s: got id %q", text, f.Entries[0].ID)
		}
	}
	f, err := decode("set: {0755: a, yes: b, 1.0: c, null: d, E: }\nweights: {010: 3}\ncommand: [!!str 0644, \"a\\tb\", !!binary aGk=]\n")
	if err != nil || !reflect.DeepEqual(f.Set, map[string]string{"0755": "a", "yes": "b", "1.0": "c", "null": "d", "E": ""}) || f.Weights["010"] != 3 {
		t.Errorf("got %+v, %v", f, err)
	}
}

func TestArgumentsFollowTheCoreSchema(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"1.10": "1.10", "42": "42", "-0": "-0", "1e3": "1e3", "1.5E-7": "1.5E-7", "+5": "5", ".5": "0.5", "-.5": "-0.5", "5.": "5.0", "5.e2": "5.0e2",
		"12345678901234567890123": "12345678901234567890123", "9007199254740993": "9007199254740993", "1.0": "1.0",
		"0x1F": "31", "0o17": "15", "0": "0", "0.50": "0.50", "0xFFFFFFFFFFFFFFFFF": `"0xFFFFFFFFFFFFFFFFF"`,
		"0755": `"0755"`, "01234": `"01234"`, "00": `"00"`, "-01": `"-01"`, "1_000": `"1_000"`, "0b11": `"0b11"`, "1e": `"1e"`,
		"true": "true", "FALSE": "false", "yes": `"yes"`, "off": `"off"`, "y": `"y"`,
		"null": "null", "~": "null", "": "null", "Null": "null", "nUll": `"nUll"`,
		"2024-01-02": `"2024-01-02"`, "12:30:00": `"12:30:00"`, `"1.10"`: `"1.10"`, "'true'": `"true"`,
		"!!binary aGVsbG8=": `"aGVsbG8="`, "!!str 1.10": `"1.10"`, "!!int \"5\"": "5", "!!float 5": "5", "!!null ''": "null",
		"{1: one, true: b, null: c, 0x1: d}": `{"0x1":"d","1":"one","null":"c","true":"b"}`,
		"[a, [], {}, ~]":                     `["a",[],{},null]`,
		`"\x7f\ufeff<&>\U0001F600"`:          `"\u007f\ufeff\u003c\u0026\u003e😀"`,
	} {
		f, err := decode("args: {v: " + text + "}")
		if err != nil || string(f.Args) != `{"v":`+want+`}` || !json.Valid(f.Args) {
			t.Errorf("%s: got %s, %v; want %s", text, f.Args, err, want)
			continue
		}
		printed, err := conf.Encode(f)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if again, err := decode(string(printed)); err != nil || string(again.Args) != string(f.Args) {
			t.Errorf("%s: printed as\n%s and read back as %s, %v", text, printed, again.Args, err)
		}
	}
	if f, err := decode("args: ~"); err != nil || f.Args != nil {
		t.Errorf("got %s, %v; want no arguments", f.Args, err)
	}
}

func TestMergesGiveWhatIsNotThere(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"entries:\n  - &d {id: a, kind: k, queue: q}\n  - {<<: *d, id: b}\n":                              "b k q",
		"entries:\n  - &d {id: a, kind: k, queue: q}\n  - {id: b, <<: *d}\n":                              "b k q",
		"x-a: &a {kind: first, queue: q}\nx-b: &b {kind: second, id: b}\nentries: [{<<: [*a, *b]}]\n":     "b first q",
		"x-a: &a {kind: k, queue: q}\nx-b: &b {<<: *a, queue: own}\nentries: [{<<: *b, id: b}]\n":         "b k own",
		"x-a: &a {kind: k}\nentries: [{<<: *a, \"id\": b, queue: \"<<\"}]\n":                              "b k <<",
		"x-list: &l [{id: a}, {id: b, kind: k, queue: q}]\nentries: *l\n":                                 "b k q",
		"x-a: &a {queue: &q mail}\nentries: [{id: *q, kind: *q, queue: *q}]\n":                            "mail mail mail",
		"x-a: &a {inner: {id: a}}\nentries: [{<<: *a, id: b, kind: k, queue: q, inner: {id: c}}]\n":       "b k q",
		"x-a: {any: [thing, {at: all}]}\nentries: [{id: b, kind: k, queue: q}]\nx-b: ~\n":                 "b k q",
		"args: {<<: {a: 1, b: 2}, b: 3}\nentries: [{id: b, kind: k, queue: q}]\n":                         "b k q",
		"weights: {<<: {a: 1, b: 2}, b: 3}\nset: {<<: [{a: x}]}\nentries: [{id: b, kind: k, queue: q}]\n": "b k q",
	} {
		f, err := decode(content)
		if err != nil || len(f.Entries) == 0 {
			t.Errorf("%s: %v", content, err)
			continue
		}
		if e := f.Entries[len(f.Entries)-1]; e.ID+" "+e.Kind+" "+e.Queue != want {
			t.Errorf("%s: got %+v; want %s", content, e, want)
		}
		if f.Args != nil && string(f.Args) != `{"a":1,"b":3}` || f.Weights != nil && f.Weights["b"] != 3 {
			t.Errorf("%s: got %s, %v", content, f.Args, f.Weights)
		}
	}
}

func TestMarksAndDirectivesOfEditorsAreRead(t *testing.T) {
	t.Parallel()
	for _, content := range []string{
		"\ufeffnumber: 3\n", "%YAML 1.2\n---\nnumber: 3\n...\n", "\ufeff%YAML 1.1\n---\nnumber: 3\n", "# a\n\n%YAML 1.2 # b\n---\nnumber: 3\n",
		"%TAG !e! tag:e,2000:\n%YAML 1.2\n--- # c\nnumber: 3\n", "---\nnumber: 3\n...\n", "number: 3\r\n", "{\"number\": 3}",
	} {
		if f, err := decode(content); err != nil || f.Number != 3 {
			t.Errorf("%q: %+v, %v", content, f, err)
		}
	}
	for _, content := range []string{"", "\ufeff", "# nothing\n", "---\n", "number:\nname: ~\nweights: null\nentries:\n", "...\n", "~"} {
		if f, err := decode(content); err != nil || f.Number != 7 || f.Name != "default" || f.Entries != nil {
			t.Errorf("%q: %+v, %v; want the defaults", content, f, err)
		}
	}
	if f, err := decode("entries: []\ncommand: []\n"); err != nil || f.Entries == nil || len(f.Entries)+len(f.Command) > 0 {
		t.Errorf("%+v, %v; want empty lists", f, err)
	}
}

// TestFilesThatWereRefused reads files as people have them.
func TestFilesThatWereRefused(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var all struct {
			Concurrency int                    `yaml:"concurrency"`
			Schedules   []map[string]conf.JSON `yaml:"schedules"`
			Handlers    map[string]conf.JSON   `yaml:"handlers"`
		}
		if _, err := conf.Decode(name, content, small, &all); err != nil {
			t.Error(err)
		}
	}
}
