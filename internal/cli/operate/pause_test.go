package operate_test

import (
	"regexp"
	"strings"
	"testing"
)

func TestPauseOfAKind(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.enqueue("welcome", "a")
	o.says("paused kind welcome of queue default\n", "pause", "--queue", "default", "--kind", "welcome", "--reason", "their API is down")
	o.says("{\n  \"done\": \"paused\",\n  \"kind\": \"bye\",\n  \"queue\": \"default\"\n}\n", "pause", "--queue", "default", "--kind", "bye", "--json")
	if _, stdout, _ := o.call("queues", "list"); !strings.HasSuffix(stdout, "  kind bye paused, kind welcome paused\n") {
		t.Errorf("got %s", stdout)
	}
	if _, stdout, _ := o.call("queues", "list", "--json"); !strings.Contains(stdout, `"why": "their API is down"`) {
		t.Errorf("got %s", stdout)
	}
	if _, stdout, _ := o.call("jobs", "get", "a"); !regexp.MustCompile(`Waits +kind welcome is paused in queue default( by .+)?: their API is down\n`).MatchString(stdout) {
		t.Errorf("got %s", stdout)
	}
	o.says("resumed kind welcome of queue default\n", "resume", "--queue", "default", "--kind", "welcome", "--reason", "it is up")
	o.says("paused queue default\n", "pause", "--queue", "default", "--reason", "all of it")
	if _, stdout, _ := o.call("jobs", "get", "a"); !strings.Contains(stdout, "queue default is paused") || !strings.Contains(stdout, ": all of it\n") {
		t.Errorf("got %s", stdout)
	}
	o.says("resumed queue default\n", "resume", "--queue", "default")
	for _, wrong := range []struct {
		args []string
		want string
	}{
		{[]string{"pause"}, "no --queue is given"},
		{[]string{"pause", "--queue", "default", "--kind", "no kind"}, `"no kind"`},
		{[]string{"pause", "--queue", "default", "--kind", "k", "--reason", strings.Repeat("x", 2000)}, "a reason of 2000 bytes; want at most 1024"},
	} {
		if code, _, stderr := o.call(wrong.args...); code != 2 || !strings.Contains(stderr, wrong.want) {
			t.Errorf("%v: exit %d, %q; want 2 and %q", wrong.args, code, stderr, wrong.want)
		}
	}
	if code, _, stderr := o.call("resume", "--queue", "nowhere"); code != 1 || !strings.Contains(stderr, "nowhere") {
		t.Errorf("exit %d, %q", code, stderr)
	}
}
