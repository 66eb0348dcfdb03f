package operate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

func TestWaitForJobs(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.enqueue("k", "a", drayhorse.In(time.Hour))
	if code, _, stderr := o.call("jobs", "wait", "a", "--timeout", "50ms"); code != 1 || !strings.Contains(stderr, "job a has not ended within 50ms") {
		t.Errorf("exit %d, %q", code, stderr)
	}
	time.AfterFunc(100*time.Millisecond, func() { _ = o.jobs.Cancel(t.Context(), "a") })
	code, stdout, stderr := o.call("jobs", "wait", "a", "--json")
	if code != 1 || !strings.Contains(stdout, `"state":"cancelled"`) && !strings.Contains(stdout, `"state": "cancelled"`) || !strings.Contains(stderr, "job a was cancelled") {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
	if code, _, stderr := o.call("jobs", "wait", "none"); code != 1 || !strings.Contains(stderr, "not found") {
		t.Errorf("exit %d, %q", code, stderr)
	}
	if code, _, _ := o.call("jobs", "wait", "a", "--timeout", "-1s"); code != 2 {
		t.Errorf("exit %d, want 2", code)
	}
}
