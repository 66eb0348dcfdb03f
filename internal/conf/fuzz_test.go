package conf_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/drayhorse/drayhorse/internal/conf"
)

// FuzzDecode: whatever a file holds, it is read or each mistake is a line that can be
// printed, in bounded time; what was read is the same when it is printed and read
// again.
func FuzzDecode(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	for _, content := range []string{
		"name: 0644\nnumber: 5\nrate: 1.5\npause: 1m\nstrict: true\nat: 2030-01-02T15:04:05Z\ncommand: [a, ~]\ncodes: [1]\nweights: {a: 1}\nset: {A: }\n",
		"args: {a: 0x1F, b: [1.10, .5, 5., +5, 01, 1e3], c: !!str 5, d: \"\\x7f\\ufeff\", <<: {e: ~}}\n",
		"x-a: &a {id: a}\nentries: [{<<: [*a, {kind: k}], inner: *a}, *a]\n", "? [a]\n: b", "entries:\n- - - -\n  -", "name: |2-\n  a\n b", "# a\n\n# b\nname: # c\n  a # d\n# e\n",
		"!!binary a: !<x> b", "%TAG ! x:\n--- !a\nname: *a", "name: 'a''b'\n...\n---\n", "\xef\xbb\xbf%YAML 1.2\n---\n", "args: &a [*a]", "<<: {<<: {name: a}}",
	} {
		f.Add([]byte(content))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		start := time.Now()
		got := &file{}
		_, err := conf.Decode("f", content, conf.Limits{Bytes: 10_000, Entries: 1_000}, got)
		if took := time.Since(start); took > 10*time.Second {
			t.Fatalf("took %v", took)
		}
		if err != nil {
			if !utf8.ValidString(err.Error()) || strings.Contains(err.Error(), "cannot be read as YAML") {
				t.Fatalf("got %q", err)
			}
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, "f:") {
					t.Fatalf("a line without the file: %q of %q", line, err)
				}
			}
			return
		}
		if got.Args != nil && !json.Valid(got.Args) {
			t.Fatalf("args are no JSON: %s", got.Args)
		}
		printed, err := conf.Encode(got)
		if err != nil {
			t.Fatal(err)
		}
		again := &file{}
		if _, err := conf.Decode("f", printed, conf.Limits{Bytes: 1 << 20, Entries: 100_000}, again); err != nil {
			t.Fatalf("%v, printed as\n%s", err, printed)
		}
		if !reflect.DeepEqual(fill(got), fill(again)) {
			t.Fatalf("%+v was printed as\n%s and read back as %+v", got, printed, again)
		}
	})
}

// fill makes alike what prints alike: nothing and an empty list.
func fill(f *file) *file {
	if len(f.Command) == 0 {
		f.Command = nil
	}
	if len(f.Codes) == 0 {
		f.Codes = nil
	}
	if len(f.Weights) == 0 {
		f.Weights = nil
	}
	if len(f.Set) == 0 {
		f.Set = nil
	}
	if string(f.Args) == "null" {
		f.Args = nil
	}
	for i := range f.Entries {
		f.Entries[i].Inner = nil
	}
	if len(f.Entries) == 0 {
		f.Entries = nil
	}
	return f
}
