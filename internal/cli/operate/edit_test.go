package operate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

// TestEdit gives a job that waits other arguments, found by the beginning of its ID too.
func TestEdit(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.enqueue("k", "order-4711", drayhorse.Queue("mail"), drayhorse.In(time.Hour))
	o.enqueue("k", "another", drayhorse.In(time.Hour))
	o.says("edited order-4711\n", "jobs", "edit", "order-47", "--args", `{"n":2}`)
	if code, stdout, stderr := o.call("jobs", "get", "order-4711", "--json"); code != 0 || !strings.Contains(stdout, `"n": 2`) || !strings.Contains(stdout, `"scheduled"`) {
		t.Errorf("get: exit %d, %s, %s", code, stdout, stderr)
	}
	o.says("cancelled order-4711\n", "jobs", "cancel", "order-4711")
	for want, args := range map[string][]string{
		"no --args":                 {"jobs", "edit", "order-4711"},
		"are not JSON":              {"jobs", "edit", "another", "--args", "{"},
		"not found":                 {"jobs", "edit", "none", "--args", "1"},
		"has been cancelled":        {"jobs", "edit", "order-4711", "--args", "1"},
		`queue name: "a b"; want 1`: {"jobs", "edit", "order-4711", "--args", "1", "--queue", "a b"},
	} {
		if code, _, stderr := o.call(args...); code == 0 || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit %d, %q; want %q", args, code, stderr, want)
		}
	}
}
