package operate_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

// TestClone makes a job like another, which is found by the beginning of its ID too.
func TestClone(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.enqueue("k", "order-4711", drayhorse.Queue("mail"), drayhorse.In(time.Hour), drayhorse.Tags("vip"))
	code, stdout, stderr := o.call("jobs", "clone", "order-47", "--json")
	var said struct{ ID, Clone, Done string }
	if err := json.Unmarshal([]byte(stdout), &said); code != 0 || err != nil || said.ID != "order-4711" || said.Done != "cloned" {
		t.Fatalf("clone: exit %d, %s, %s, %v", code, stdout, stderr, err)
	}
	if code, stdout, stderr := o.call("jobs", "list", "--where", "tag:vip state:available"); code != 0 || !strings.Contains(stdout, said.Clone) {
		t.Errorf("list: exit %d, %s, %s", code, stdout, stderr)
	}
	for want, args := range map[string][]string{
		"not found":                 {"jobs", "clone", "none"},
		`queue name: "a b"; want 1`: {"jobs", "clone", "order-4711", "--queue", "a b"},
		"ID":                        {"jobs", "clone"},
	} {
		if code, _, stderr := o.call(args...); code == 0 || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit %d, %q; want %q", args, code, stderr, want)
		}
	}
}
