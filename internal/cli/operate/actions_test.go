package operate_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
)

// TestAllThatMatch: counted, asked about, done, and kept.
func TestAllThatMatch(t *testing.T) {
	t.Parallel()
	o := setup(t)
	for _, id := range []string{"a", "b", "c"} {
		o.enqueue("k", id, drayhorse.Queue("q"), drayhorse.In(time.Hour))
	}
	o.enqueue("other", "d", drayhorse.Queue("q"))
	o.says("cancel of 3 jobs; nothing was done\n", "jobs", "cancel", "--where", "kind:k", "--dry-run")
	o.says("{\n  \"jobs\": 4,\n  \"looked\": 0,\n  \"total\": 4,\n  \"more\": false\n}\n", "jobs", "delete", "--where", "queue:q", "--dry-run", "--json")
	for want, args := range map[string][]string{
		"no ID is given":           {"jobs", "retry"},
		"--where and ID":           {"jobs", "retry", "a", "--where", "kind:k", "--reason", "r"},
		"no --reason is given":     {"jobs", "retry", "--where", "kind:k"},
		"without --where":          {"jobs", "retry", "a", "--yes"},
		"want --yes":               {"jobs", "cancel", "--where", "kind:k", "--reason", "r"},
		`"nonsense" is not known`:  {"jobs", "retry", "--where", "nonsense:1", "--reason", "r"},
		`retry of state "running"`: {"jobs", "retry", "--where", "state:running", "--reason", "r"},
	} {
		if code, stdout, stderr := o.call(args...); code != 2 || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit %d, %q, %q; want %q", args, code, stdout, stderr, want)
		}
	}
	code, stdout, stderr := o.call("jobs", "cancel", "--where", "kind:k", "--reason", "too late", "--yes")
	said := regexp.MustCompile(`^cancelled 3 \(action (\w+)\)\n$`).FindStringSubmatch(stdout)
	if code != 0 || said == nil || stderr != "" {
		t.Fatalf("exit %d, %q, %q", code, stdout, stderr)
	}
	code, stdout, _ = o.call("jobs", "retry", "--where", "state:cancelled", "--reason", "after all", "--json")
	var got struct{ Action admin.Action }
	if err := json.Unmarshal([]byte(stdout), &got); code != 0 || err != nil || got.Action.Changed != 3 || got.Action.Reason != "after all" {
		t.Errorf("exit %d, %s, %v", code, stdout, err)
	}
	for _, want := range []string{"cancel", "done", "kind:k", "too late", "3"} {
		if _, stdout, _ := o.call("actions", "get", said[1]); !strings.Contains(stdout, want) {
			t.Errorf("get has no %q: %s", want, stdout)
		}
		if _, stdout, _ := o.call("actions", "list"); !strings.Contains(stdout, want) {
			t.Errorf("list has no %q: %s", want, stdout)
		}
	}
	o.says("action "+said[1]+" is done, 3 cancelled\n", "actions", "stop", said[1])
	if code, _, stderr := o.call("actions", "get", "none"); code != 1 || !strings.Contains(stderr, "action none") {
		t.Errorf("get of none: exit %d, %q", code, stderr)
	}
}
