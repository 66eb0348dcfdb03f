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
	got = h.Assemble("local ONE = 1\nlocal TWO = ONE\nlocal THREE = 3\n", "#!lua\nif rarely then\n  -- PRELUDE\n  return TWO + THREE\nend\nreturn THREE -- not TWO\n")
	const blocks = "local rest = 2\nlocal THREE = 3\nif rarely then\nlocal ONE = 1\nlocal TWO = ONE\n  -- PRELUDE\n  return TWO + THREE\nend\nreturn THREE -- not TWO\n"
	if !strings.HasSuffix(got, blocks) {
		t.Errorf("assembled:\n%s\nwant it to end with:\n%s", got, blocks)
	}
	if h := ParseHeader("#!lua\nreturn 1\n"); h.Keys != nil || h.Args != nil || h.More {
		t.Errorf("a script without a header has %+v", h)
	}
}

func TestHeaderOfASetOfKeys(t *testing.T) {
	t.Parallel()
	const text = "#!lua\n-- look looks.\n-- KEYS ready bell ...\nreturn call('LLEN', ready)\n"
	h := ParseHeader(text)
	if !slices.Equal(h.Keys, []string{"ready", "bell"}) || !h.Each {
		t.Errorf("header %+v", h)
	}
	got := h.Assemble("", text)
	for _, want := range []string{"local function one(ready, bell)\n", "for i = 1, #KEYS, 2 do\n", "unpack(KEYS, i, i + 1)"} {
		if !strings.Contains(got, want) {
			t.Errorf("assembled:\n%s\nwant in it: %s", got, want)
		}
	}
}
