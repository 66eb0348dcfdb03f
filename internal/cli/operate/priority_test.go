package operate_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
)

func TestPrioritiesAreShown(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.enqueue("k", "a", drayhorse.Priority(drayhorse.Low))
	o.enqueue("k", "b")
	for _, id := range []string{"c", "d"} {
		o.enqueue("k", id, drayhorse.Priority(drayhorse.Urgent))
	}
	if _, stdout, _ := o.call("queues", "list"); !strings.HasSuffix(stdout, "  2 urgent, 1 low\n") {
		t.Errorf("got %s", stdout)
	}
	if _, stdout, _ := o.call("jobs", "get", "a"); !regexp.MustCompile(`Priority +low\n`).MatchString(stdout) {
		t.Errorf("got %s", stdout)
	}
	if _, stdout, _ := o.call("jobs", "explain", "a"); !strings.Contains(stdout, "3 jobs are in line with a higher priority than low") {
		t.Errorf("got %s", stdout)
	}
	if _, stdout, _ := o.call("jobs", "list", "--where", "priority:urgent", "-q"); !strings.Contains(stdout, "c\n") || !strings.Contains(stdout, "d\n") || strings.Contains(stdout, "a\n") {
		t.Errorf("got %q", stdout)
	}
}
