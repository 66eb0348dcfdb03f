package redis

import (
	"slices"
	"strings"
	"testing"
)

func TestHeader(t *testing.T) {
	t.Parallel()
	const text = "#!lua flags=allow-oom\n-- ring wakes somebody.\n--\n-- KEYS ready bell\n-- ARGV limit ...\n--   limit: how many.\nreturn limit + LIMIT\n"
	h := ParseHeader(text)
	if !slices.Equal(h.Keys, []string{"ready", "bell"}) || !slices.Equal(h.Args, []string{"limit"}) || !h.More {
		t.Errorf("header %+v", h)
	}
	got := h.Assemble("-- Shared.\nlocal ONE = 1\nlocal LIMIT = ONE\nlocal function unused()\n  return LIMIT\nend\n", text)
	const want = "#!lua flags=allow-oom\nlocal call = redis.call\nlocal ready, bell = KEYS[1], KEYS[2]\nlocal limit = ARGV[1]\n" +
		"local rest = 2\nlocal ONE = 1\nlocal LIMIT = ONE\n-- ring wakes"
	if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "return limit + LIMIT\n") {
		t.Errorf("assembled:\n%s\nwant it to begin with:\n%s", got, want)
	}
	if h := ParseHeader("#!lua\nreturn 1\n"); h.Keys != nil || h.Args != nil || h.More {
		t.Errorf("a script without a header has %+v", h)
	}
}
