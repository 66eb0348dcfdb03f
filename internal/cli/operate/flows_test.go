package operate_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
)

func TestVerbsOfFlows(t *testing.T) {
	t.Parallel()
	o := setup(t)
	if code, stdout, stderr := o.call("flows", "list"); code != 0 || stdout != "" || stderr != "no flows\n" {
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
	want := regexp.MustCompile(`(?m)^ID +STATE +MEMBERS +WAITING +COMPLETED +DISCARDED +CANCELLED +MADE +REASON\nimport-42 +open +0 +0 +0 +0 +0 +.* ago *$`)
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
	for _, id := range []string{"second", "third"} {
		time.Sleep(2 * time.Millisecond) // each is made in another ms
		if _, err := o.jobs.NewBatch(t.Context(), flow.Batch{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	code, stdout, stderr := o.call("flows", "list", "--limit", "2")
	cursor, more := strings.CutPrefix(strings.TrimSpace(stderr), "there are more: --cursor ")
	if code != 0 || !regexp.MustCompile(`(?s)\nthird .*\nsecond `).MatchString(stdout) || strings.Contains(stdout, "import-42") || !more {
		t.Errorf("exit %d, %q, %q; want the last two and where it goes on", code, stdout, stderr)
	}
	o.says("import-42\n", "flows", "list", "-q", "--cursor", cursor)
	if code, _, stderr := o.call("flows", "list", "--cursor", "x"); code != 2 || !strings.Contains(stderr, `cursor "x"`) {
		t.Errorf("exit %d, %q; want the cursor refused", code, stderr)
	}
	for id, says := range map[string]string{"other": "cancel: not found: flow other\n", "no id": `"no id"`, "import-42": "has ended"} {
		if code, _, stderr := o.call("flows", "cancel", id); code == 0 || !strings.Contains(stderr, says) {
			t.Errorf("cancel %q: exit %d, %q", id, code, stderr)
		}
	}
}

// TestFlowsOfSteps from the command line: what each step waits for, a signal, and a retry.
func TestFlowsOfSteps(t *testing.T) {
	t.Parallel()
	o := setup(t)
	f := flow.New("order-42")
	fetch := f.Step("fetch", drayhorse.Raw("fetch", nil), drayhorse.Queue("io"))
	ok := f.Signal("approved", time.Hour)
	f.Step("ship", drayhorse.Raw("ship", nil)).After(ok).AfterEnd(fetch)
	f.Step("tell", drayhorse.Raw("tell", nil)).AfterHold(fetch)
	if _, err := o.jobs.Submit(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	says := func(want string, args ...string) {
		t.Helper()
		code, stdout, stderr := o.call(append([]string{"flows"}, args...)...)
		if !regexp.MustCompile(want).MatchString(stdout + stderr) {
			t.Errorf("%q: exit %d, %s%s; want %s", args, code, stdout, stderr, want)
		}
	}
	says(`(?m)^order-42 +running +4 +2 `, "list")
	says(`(?s)Steps +4\nWaiting +2\nRunning +2\n.*STEP +STATE .*fetch +running +fetch +io +1 .*approved +running +\(signal\).*ship +waiting +ship +default +1 +approved, fetch \(any end\)`, "get", "order-42")
	says(`fetch +running +its job [0-9a-f-]{36}: .*(?s).*approved +running +its signal has not come; .*ship +waiting +waits for approved, which is running; fetch, which is running`, "explain", "order-42")
	says(`want JSON`, "signal", "order-42", "approved", "{")
	says(`^signalled order-42\n$`, "signal", "order-42", "approved", "1", "--key", "k")
	says(`has that signal already`, "signal", "order-42", "approved", "1", "--key", "k")
	says(`signalled already`, "signal", "order-42", "approved", "2")
	says(`^1\n$`, "result", "order-42", "approved")
	says(`no result of step ship: it is waiting`, "result", "order-42", "ship")
	says(`flow order-42 has no step "shipp"`, "result", "order-42", "shipp")
	says(`not found: flow order-43`, "result", "order-43", "ship")
	says(`not found.*no signal other`, "signal", "order-42", "other")
	says(`want failed, downstream or all`, "retry", "order-42", "--steps", "some")
	says(`^flow order-42 is running, 3 of 4 steps have not ended yet\n$`, "retry", "order-42")
	says(`^flow order-42 is cancelled, 0 of 4 steps have not ended yet\n$`, "cancel", "order-42")
	says(`^all have ended\n$`, "explain", "order-42")
}
