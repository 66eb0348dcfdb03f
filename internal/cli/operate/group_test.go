package operate_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
)

func TestGroupsAreShown(t *testing.T) {
	t.Parallel()
	o := setup(t)
	for _, id := range []string{"a", "b", "c"} {
		o.enqueue("k", id, drayhorse.Group("tenant-42"))
	}
	o.enqueue("k", "d", drayhorse.Group("tenant-7"))
	if _, stdout, _ := o.call("queues", "list"); !strings.HasSuffix(stdout, "  4 in 2 groups\n") {
		t.Errorf("got %s", stdout)
	}
	if _, stdout, _ := o.call("jobs", "get", "a"); !regexp.MustCompile(`Group +tenant-42\n`).MatchString(stdout) {
		t.Errorf("got %s", stdout)
	}
	if _, stdout, _ := o.call("jobs", "explain", "c"); !strings.Contains(stdout, "another group takes turns with group tenant-42") || !strings.Contains(stdout, "2 jobs are in line ahead of it in its group") {
		t.Errorf("got %s", stdout)
	}
	o.says("paused group tenant-42 of queue default\n", "pause", "--queue", "default", "--group", "tenant-42", "--reason", "they asked for it")
	o.says("paused kind k of group tenant-7 of queue default\n", "pause", "--queue", "default", "--group", "tenant-7", "--kind", "k")
	if _, stdout, _ := o.call("queues", "list"); !strings.HasSuffix(stdout, "  group tenant-42 paused, kind k of group tenant-7 paused, 4 in 2 groups\n") {
		t.Errorf("got %s", stdout)
	}
	for id, why := range map[string]string{"a": "group tenant-42 is paused in queue default by ", "d": "kind k of group tenant-7 is paused in queue default by "} {
		if _, stdout, _ := o.call("jobs", "explain", id); !strings.Contains(stdout, why) {
			t.Errorf("%s: got %s", id, stdout)
		}
	}
	o.says("resumed group tenant-42 of queue default\n", "resume", "--queue", "default", "--group", "tenant-42")
	if _, stdout, _ := o.call("jobs", "list", "--where", "group:tenant-7", "-q"); stdout != "d\n" {
		t.Errorf("got %q", stdout)
	}
}
