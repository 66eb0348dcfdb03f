package operate_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/admin"
)

func TestAudit(t *testing.T) {
	t.Parallel()
	o := setup(t)
	if code, stdout, stderr := o.call("audit"); code != 0 || stdout != "" || stderr != "nothing is recorded\n" {
		t.Errorf("of nothing: exit %d, %q, %q", code, stdout, stderr)
	}
	a, err := admin.New(admin.Config{RedisURL: o.url})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for i := range 250 { // more than one page
		if err := a.Record(t.Context(), admin.AuditRecord{User: fmt.Sprint("user", i%2), Role: "admin", Action: "cancel-job", Queue: "q", JobID: fmt.Sprint("job", i), Result: "done", Reason: "\x1b[31mwhy"}, false); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Record(t.Context(), admin.AuditRecord{User: "eve", Action: "POST /do", Peer: "192.0.2.1", Result: "refused"}, true); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := o.call("audit", "--user", "user1", "--limit", "0")
	if code != 0 || stderr != "" || strings.Count(stdout, "\n") != 126 || !strings.Contains(stdout, "q job249") || strings.Contains(stdout, "job248") || strings.Contains(stdout, "\x1b[31m") {
		t.Errorf("all of a user: exit %d, %d lines, %.500q, %q", code, strings.Count(stdout, "\n"), stdout, stderr)
	}
	code, stdout, stderr = o.call("audit", "-n", "2", "--json")
	var got []admin.AuditRecord
	if err := json.Unmarshal([]byte(stdout), &got); code != 0 || err != nil || len(got) != 2 || got[0].JobID != "job249" || !strings.Contains(stderr, "--limit 0") {
		t.Errorf("two: exit %d, %s, %q, %v", code, stdout, stderr, err)
	}
	if code, stdout, _ := o.call("audit", "--refused"); code != 0 || !strings.Contains(stdout, "eve") || !strings.Contains(stdout, "192.0.2.1") {
		t.Errorf("refused: exit %d, %q", code, stdout)
	}
	if code, stdout, _ := o.call("audit", "--action", "login"); code != 0 || strings.Contains(stdout, "cancel-job") {
		t.Errorf("of an action that was not: exit %d, %q", code, stdout)
	}
}
