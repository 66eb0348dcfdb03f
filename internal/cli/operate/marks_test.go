package operate_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/admin"
)

// TestMarks are added and listed, the latest first.
func TestMarks(t *testing.T) {
	t.Parallel()
	o := setup(t)
	for _, text := range []string{"deploy 1", "deploy 2"} {
		if code, stdout, stderr := o.call("marks", "add", text); code != 0 || !strings.HasPrefix(stdout, "marked 20") {
			t.Errorf("add %s: exit %d, %q, %q", text, code, stdout, stderr)
		}
	}
	code, stdout, _ := o.call("marks", "list", "--json")
	var all []admin.Mark
	if err := json.Unmarshal([]byte(stdout), &all); code != 0 || err != nil || len(all) != 2 || all[0].Text != "deploy 2" || all[0].By == "" {
		t.Errorf("list: exit %d, %s, %v", code, stdout, err)
	}
	if code, stdout, _ := o.call("marks", "list"); code != 0 || strings.Index(stdout, "deploy 2") > strings.Index(stdout, "deploy 1") || !strings.Contains(stdout, "deploy 1") {
		t.Errorf("list: exit %d, %s", code, stdout)
	}
	for want, args := range map[string][]string{"mark": {"marks", "add", ""}, "TEXT": {"marks", "add"}} {
		if code, _, stderr := o.call(args...); code != 2 || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit %d, %s", args, code, stderr)
		}
	}
}
