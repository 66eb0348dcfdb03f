package lock

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/internal/redis"
)

// The header of a script names its keys and arguments, of which the loader makes locals;
// its code uses each of them, and takes none past the header.
func TestHeaders(t *testing.T) {
	t.Parallel()
	for _, script := range []*redis.Script{acquireScript, renewScript, releaseScript, ringScript} {
		text := library.Read(script.Name)
		if !strings.HasPrefix(text, "#!lua") {
			t.Errorf("%s: the first line holds no flags", script.Name)
		}
		for _, part := range []string{"-- Returns ", "-- Errors", "-- Repeat: "} {
			if !strings.Contains(text, part) {
				t.Errorf("%s: no %q in its header", script.Name, part)
			}
		}
		code := regexp.MustCompile(`--[^\n]*|'[^'\n]*'`).ReplaceAllString(text, "")
		used := regexp.MustCompile(`[A-Za-z_]+`).FindAllString(code, -1)
		for _, name := range slices.Concat(script.Header.Keys, script.Header.Args) {
			if !slices.Contains(used, name) {
				t.Errorf("%s: its header names %s, its code does not", script.Name, name)
			}
		}
		for _, word := range []string{"KEYS", "ARGV"} {
			if slices.Contains(used, word) {
				t.Errorf("%s: its code uses %s", script.Name, word)
			}
		}
	}
}
