package lock

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

var declared = regexp.MustCompile(`local ([a-z_, ]+) = (KEYS\[1\](?:, KEYS\[2\])?, ARGV\[1\]|KEYS\[1\](?:, KEYS\[2\])?|unpack\(ARGV\))`)

// The header of a script names its keys and arguments in the order in which its
// code takes them.
func TestHeaders(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(files, "scripts/*.lua")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source := string(text)
		if !strings.HasPrefix(source, "#!lua") {
			t.Errorf("%s: the first line holds no flags", name)
		}
		header := ""
		for _, line := range strings.Split(source, "\n") {
			if words, ok := strings.CutPrefix(line, "-- KEYS "); ok {
				header += words
			} else if words, ok := strings.CutPrefix(line, "-- ARGV "); ok {
				header += " " + words
			}
		}
		code := ""
		for _, m := range declared.FindAllStringSubmatch(source, -1) {
			code += " " + strings.ReplaceAll(m[1], ",", "")
		}
		code = strings.Replace(code, " number", " call", 1) // a local named call would read as redis.call
		if strings.TrimSpace(code) != header {
			t.Errorf("%s: header says %q, code takes %q", name, header, strings.TrimSpace(code))
		}
		for _, part := range []string{"-- Returns ", "-- Errors", "-- Repeat: "} {
			if !strings.Contains(source, part) {
				t.Errorf("%s: no %q in its header", name, part)
			}
		}
	}
}
