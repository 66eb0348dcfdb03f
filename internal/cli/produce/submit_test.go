package produce

import (
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/flow"
)

const nightly = `# every night
id: nightly
deadline: 6h
steps:
  - {name: dump, kind: dump, args: {database: shop, rows: 9007199254740993}, timeout: 2h}
  - {name: approved, signal: 8h}
  - name: load
    kind: load
    after: [dump, approved]
    delay: 5m
  - {name: report, kind: report, after_end: [load], queue: mail}
`

func TestSubmit(t *testing.T) {
	t.Parallel()
	s := setup(t)
	path := write(t, "nightly.yaml", nightly)
	if code, stdout, stderr := s.run("", "submit", path, "--dry-run"); code != 0 || stdout != "would begin a flow of 4 steps\n" {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}
	if code, stdout, stderr := s.run("id: import-42\non_complete: {kind: report}\nmembers:\n  - {kind: row}\n  - {kind: row, arg: 1}\n", "submit", "-"); code != 2 || !strings.Contains(stderr, `:5: member 2: field "arg" is not known`) {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}
	const members = "id: import-42\non_complete: {kind: report}\nmembers:\n  - {kind: row}\n  - {kind: row, queue: bulk}\n"
	if code, stdout, stderr := s.run(members, "submit", "-", "--dry-run"); code != 0 || stdout != "would make a batch of 2 members\n" {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}
	if code, stdout, stderr := s.run(members, "submit", "-"); code != 0 || stdout != "import-42\n" {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}
	if info, err := s.jobs.Flow(t.Context(), "import-42"); err != nil || info.State != flow.Running {
		t.Errorf("%+v, %v", info, err)
	}
	if _, err := s.jobs.Flow(t.Context(), "nightly"); err == nil {
		t.Error("a dry run began it")
	}
	for range 2 { // the second finds it
		if code, stdout, stderr := s.run("", "submit", path); code != 0 || stdout != "nightly\n" || stderr != "" {
			t.Errorf("exit %d, %q, %q", code, stdout, stderr)
		}
	}
	if code, stdout, stderr := s.run(nightly, "submit", "-", "--id", "nightly-2", "--json"); code != 0 || !strings.Contains(stdout, `"id": "nightly-2"`) || !strings.Contains(stdout, `"total": 4`) {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}
	if code, stdout, stderr := s.run(strings.Replace(nightly, "shop", "other", 1), "submit", "-"); code == 0 || !strings.Contains(stderr, "nightly") {
		t.Errorf("another flow of that ID: exit %d, %s%s", code, stdout, stderr)
	}
	info, err := s.jobs.Flow(t.Context(), "nightly")
	if err != nil || len(info.Steps) != 4 || info.Steps[0].State != flow.StepRunning || info.Steps[2].State != flow.StepWaiting || info.Deadline.IsZero() {
		t.Fatalf("%+v, %v", info, err)
	}
	if dump := s.get(info.Steps[0].JobID); string(dump.Args) != `{"database":"shop","rows":9007199254740993}` {
		t.Errorf("arguments %s", dump.Args)
	}
}

// TestMistakesInFlows: each is told with its line, and nothing is stored.
func TestMistakesInFlows(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, c := range []struct{ was, is, want string }{
		{"kind: load", "knd: load", `:8: step "load": field "knd" is not known; want name, after`},
		{"after: [dump, approved]", "after: [dmp, approved]", `:9: step "load": field after: "dmp" is no step of this flow`},
		{"after: [dump, approved]", "after: dump", `:9: step "load": field after: "dump"; want a list`},
		{"delay: 5m", "delay: 5 min", `:10: step "load": field delay: "5 min"; want a duration`},
		{"signal: 8h", "signal: 0", `:6: step "approved": field signal: 0; want a duration`},
		{"name: load", "name: dump", `step "dump": another step has this name`},
		{"deadline: 6h", "deadlin: 6h", `:3: field "deadlin" is not known; want id, deadline, retain, steps`},
		{"id: nightly", "id: every night", `:2: field id: "every night"; want 1-120`},
		{"after_end: [load]", "after_end: [report]", `in a circle: report after report`},
		{"steps:", "steps: {", "want a value, and an end of each [ and {"},
	} {
		code, stdout, stderr := s.run(strings.Replace(nightly, c.was, c.is, 1), "submit", "-")
		if code != 2 || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d, %s%s; want exit 2 and %s", c.is, code, stdout, stderr, c.want)
		}
	}
	for _, c := range []struct{ path, want string }{{"", "directory"}, {"no-such-file", "no such file"}} {
		if code, _, stderr := s.run("", "submit", t.TempDir()+"/"+c.path); code != 2 || !strings.Contains(stderr, c.want) {
			t.Errorf("exit %d, %s; want %s", code, stderr, c.want)
		}
	}
	if code, _, stderr := s.run(nightly, "submit", "-", "--id", "a b"); code != 2 || !strings.Contains(stderr, `--id: `) {
		t.Errorf("exit %d, %s", code, stderr)
	}
	if _, err := s.jobs.Flow(t.Context(), "nightly"); err == nil {
		t.Error("a file with a mistake began a flow")
	}
}
