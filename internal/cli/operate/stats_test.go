package operate_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

func TestStats(t *testing.T) {
	t.Parallel()
	o := setup(t)
	if code, stdout, stderr := o.call("stats", "--step", "1h"); code != 0 || !strings.Contains(stdout, "total") || stderr != "" {
		t.Errorf("of nothing: exit %d, %q, %q", code, stdout, stderr)
	}
	for _, id := range []string{"a", "b"} {
		o.enqueue("k", id, drayhorse.Queue("q"), drayhorse.In(time.Hour))
		if code, _, stderr := o.call("jobs", "cancel", id); code != 0 {
			t.Fatal(stderr)
		}
	}
	code, stdout, stderr := o.call("stats", "--queue", "q", "--by-kind", "--since", "90m")
	if code != 0 || stderr != "" || !strings.Contains(stdout, "KIND") || strings.Count(stdout, "\n") != 3 {
		t.Errorf("by kind: exit %d, %q, %q", code, stdout, stderr)
	}
	code, stdout, _ = o.call("stats", "--json", "--since", "2160h")
	var got struct{ Total struct{ Cancelled int } }
	if err := json.Unmarshal([]byte(stdout), &got); code != 0 || err != nil || got.Total.Cancelled != 2 {
		t.Errorf("exit %d, %s, %v", code, stdout, err)
	}
	for want, args := range map[string][]string{
		"--since 1s; want 1m to 2160h0m0s": {"--since", "1s"},
		"--step -1m0s; want":               {"--step", "-1m"},
		"step 7m0s; want":                  {"--step", "7m"},
		`queue "none"`:                     {"--queue", "none"},
	} {
		if code, stdout, stderr := o.call(append([]string{"stats"}, args...)...); code == 0 || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit %d, %q, %q; want %q", args, code, stdout, stderr, want)
		}
	}
}
