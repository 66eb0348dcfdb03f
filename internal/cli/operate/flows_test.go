package operate_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
)

func TestVerbsOfFlows(t *testing.T) {
	t.Parallel()
	o := setup(t)
	if code, stdout, stderr := o.call("flows", "list"); code != 0 || stdout != "" || stderr != "no batches\n" {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
	b, err := o.jobs.NewBatch(t.Context(), flow.Batch{ID: "import-42"})
	if err != nil {
		t.Fatal(err)
	}
	welcome := drayhorse.Spec{Args: drayhorse.Raw("welcome", []byte(`{}`))}
	if _, err := b.Add(t.Context(), welcome, welcome); err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`(?m)^ID +STATE +MEMBERS +WAITING +COMPLETED +DISCARDED +CANCELLED +MADE +REASON\nimport-42 +open +0 +0 +0 +0 +0 +.*s ago *$`)
	if _, stdout, _ := o.call("flows", "list"); !want.MatchString(stdout) {
		t.Errorf("got %s", stdout)
	}
	if code, stdout, stderr := o.call("flows", "cancel", "import-42"); code != 0 || stdout != "batch import-42 is cancelled, 0 of 2 members have not ended yet\n" {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
	if _, stdout, _ := o.call("flows", "get", "import-42"); !regexp.MustCompile(`(?s)State +cancelled\nReason +cancelled\nMembers +2\n.*Called +failure, complete\n`).MatchString(stdout) {
		t.Errorf("got %s", stdout)
	}
	if _, stdout, _ := o.call("flows", "list", "--json"); !strings.Contains(stdout, `"state": "cancelled"`) || !strings.Contains(stdout, `"total": 2`) {
		t.Errorf("got %s", stdout)
	}
	for id, says := range map[string]string{"other": "not found", "no id": `"no id"`, "import-42": "has ended"} {
		if code, _, stderr := o.call("flows", "cancel", id); code == 0 || !strings.Contains(stderr, says) {
			t.Errorf("cancel %q: exit %d, %q", id, code, stderr)
		}
	}
}
