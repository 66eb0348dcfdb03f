package operate_test

import (
	"regexp"
	"strings"
	"testing"
)

func TestVerbsOfLimits(t *testing.T) {
	t.Parallel()
	o := setup(t)
	if code, stdout, stderr := o.call("limits", "list"); code != 0 || stdout != "" || stderr != "no limits\n" {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
	if code, _, stderr := o.call("limits", "set", "smtp", "--queue", "mail", "--concurrency", "3"); code != 1 || !strings.Contains(stderr, `not found: queue "mail"`) {
		t.Errorf("exit %d, %q; want a queue refused that nobody knows", code, stderr)
	}
	o.says("created queue mail, partitions: 1\n", "queues", "create", "mail")
	o.says("set limit smtp of queue mail\n", "limits", "set", "smtp", "--queue", "mail", "--rate", "100/1m", "--burst", "20", "--concurrency", "3", "--reason", "their quota")
	want := regexp.MustCompile(`(?m)^LIMIT +QUEUE +KIND +PER +AT ONCE +RATE +BURST +BREAKER +RUNNING +WAITING +SHUT +SET BY +VERSION +CHANGED +WHY\nsmtp +mail +3 +100/1m +20 +operator.* +1 +.* ago +their quota$`)
	if _, stdout, _ := o.call("limits", "list"); !want.MatchString(stdout) {
		t.Errorf("got %s", stdout)
	}
	if _, stdout, _ := o.call("limits", "list", "--json"); !strings.Contains(stdout, `"rate": "100/1m"`) || !strings.Contains(stdout, `"why": "their quota"`) {
		t.Errorf("got %s", stdout)
	}
	o.says("set limit stripe of queue mail\n", "limits", "set", "stripe", "--queue", "mail", "--kind", "charge", "--breaker", "0.5", "--cool-down", "10s", "--probes", "3")
	if _, stdout, _ := o.call("limits", "list"); !regexp.MustCompile(`(?m)^stripe +mail +charge +closed +operator`).MatchString(stdout) {
		t.Errorf("got %s", stdout)
	}
	if _, stdout, _ := o.call("limits", "list", "--json"); !strings.Contains(stdout, `"breaker": "50% of 10 in 1m, cools down 10s, tries 3"`) || !strings.Contains(stdout, `"breaker_state": "closed"`) {
		t.Errorf("got %s", stdout)
	}
	o.says("removed limit stripe\n", "limits", "remove", "stripe")
	o.says("created queue tenants, partitions: 4\n", "queues", "create", "tenants", "--partitions", "4")
	o.says("set limit exports of queue tenants\n", "limits", "set", "exports", "--queue", "tenants", "--concurrency", "3")
	if _, stdout, _ := o.call("limits", "list", "--json"); strings.Count(stdout, `"shared": true`) != 1 {
		t.Errorf("got %s", stdout)
	}
	o.says("set limit exports of queue tenants\n", "limits", "set", "exports", "--queue", "tenants", "--kind", "export", "--per-group", "--concurrency", "3")
	if _, stdout, _ := o.call("limits", "list"); !regexp.MustCompile(`(?m)^exports +tenants +export +group +3 `).MatchString(stdout) {
		t.Errorf("got %s", stdout)
	}
	if _, stdout, _ := o.call("limits", "list", "--json"); strings.Count(stdout, `"per_group": true`) != 1 {
		t.Errorf("got %s", stdout)
	}
	o.says("removed limit exports\n", "limits", "remove", "exports")
	o.says("created queue other, partitions: 1\n", "queues", "create", "other")
	if code, _, stderr := o.call("limits", "set", "smtp", "--queue", "other", "--concurrency", "3"); code != 2 || !strings.Contains(stderr, "limit smtp is of queue mail already") {
		t.Errorf("exit %d, %q; want the name refused", code, stderr)
	}
	o.says("set limit charges of all queues\n", "limits", "set", "charges", "--kind", "charge", "--rate", "100/1m")
	if _, stdout, _ := o.call("limits", "list"); !regexp.MustCompile(`(?m)^charges +\(all\) +charge +100/1m +operator`).MatchString(stdout) {
		t.Errorf("got %s", stdout)
	}
	if code, _, stderr := o.call("limits", "set", "charges", "--queue", "mail", "--concurrency", "3"); code != 2 || !strings.Contains(stderr, "limit charges is of all queues already; want another name, or remove that first") {
		t.Errorf("exit %d, %q; want the name refused", code, stderr)
	}
	o.says("removed limit charges\n", "limits", "remove", "charges")
	o.says("set limit welcome of queue mail\n", "limits", "set", "welcome", "--queue", "mail", "--kind", "welcome", "--concurrency", "3")
	if _, stdout, _ := o.call("limits", "list"); !regexp.MustCompile(`(?m)^welcome +mail +welcome +3 +operator`).MatchString(stdout) {
		t.Errorf("got %s", stdout)
	}
	if code, _, stderr := o.call("limits", "set", "l", "--queue", "mail", "--kind", "no kind", "--concurrency", "3"); code != 2 || !strings.Contains(stderr, `"no kind"`) {
		t.Errorf("exit %d, %q; want the kind refused", code, stderr)
	}
	if code, _, stderr := o.call("limits", "close-breaker", "smtp"); code != 2 || !strings.Contains(stderr, "limit smtp has no breaker") {
		t.Errorf("exit %d, %q; want it said that there is none", code, stderr)
	}
	o.says("set limit bank of queue mail\n", "limits", "set", "bank", "--queue", "mail", "--breaker", "0.5")
	o.says("closed the breaker of limit bank\n", "limits", "close-breaker", "bank", "--reason", "they are back")
	o.says("removed limit smtp\n", "limits", "remove", "smtp")
	o.says("created queue wide, partitions: 200\n", "queues", "create", "wide", "--partitions", "200")
	if code, _, stderr := o.call("limits", "set", "wide", "--queue", "wide", "--concurrency", "3"); code != 2 || !strings.Contains(stderr, "queue wide has 200 partitions; want at most 128, or a limit per group") {
		t.Errorf("exit %d, %q; want so many partitions refused", code, stderr)
	}
}
