package operate_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
)

func (o *tool) file(content string) string {
	o.t.Helper()
	path := filepath.Join(o.t.TempDir(), "jobs.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		o.t.Fatal(err)
	}
	return path
}

const declaredJobs = `
queues:
  mail: {max_depth: 1000}
  import: {partitions: 3}
limits:
  - {name: smtp, queue: mail, rate: 100/1m, burst: 20, concurrency: 5}
  - {name: bills, queue: mail, kind: bill, concurrency: 1}
`

// TestApply: what a file declares is made so, once, and diff says before what it would be.
func TestApply(t *testing.T) {
	t.Parallel()
	o := setup(t)
	a, err := admin.New(admin.Config{RedisURL: o.url})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	o.enqueue("k", "a", drayhorse.Queue("mail"))
	path := o.file(declaredJobs)
	want := "queue import: is created, partitions 3\nqueue mail: max_depth 1000, was 0\n" +
		"limit smtp: is of queue mail, 5 at once, 100/1m in bursts of 20\nlimit bills: is of queue mail kind bill, 1 at once\n"
	if code, stdout, stderr := o.call("diff", "-f", path); code != 1 || stdout != want || !strings.Contains(stderr, "not as the file declares it") {
		t.Errorf("diff: exit %d, %q, %q; want %q", code, stdout, stderr, want)
	}
	if limits, err := a.Limits(t.Context()); err != nil || len(limits) != 0 {
		t.Errorf("diff has set %v, %v", limits, err)
	}
	o.says(want, "apply", "-f", path, "--reason", "the new quota")
	for range 2 {
		if code, stdout, stderr := o.call("apply", "-f", path); code != 0 || stdout != "" || stderr != "nothing to change\n" {
			t.Errorf("again: exit %d, %q, %q", code, stdout, stderr)
		}
	}
	if code, stdout, _ := o.call("diff", "--json", "-f", path); code != 0 || stdout != "[]\n" {
		t.Errorf("diff of nothing in JSON: exit %d, %q", code, stdout)
	}
	limits, err := a.Limits(t.Context())
	if err != nil || len(limits) != 2 || limits[1].Rate != (drayhorse.Rate{Jobs: 100, Per: time.Minute, Burst: 20}) || limits[1].Why != "the new quota" || !limits[1].Operator {
		t.Errorf("limits %+v, %v", limits, err)
	}
	for name, want := range map[string][2]int{"mail": {1, 1000}, "import": {3, 0}} {
		if q, err := a.Queue(t.Context(), name); err != nil || q.Partitions != want[0] || q.MaxDepth != want[1] {
			t.Errorf("%s: %+v, %v", name, q, err)
		}
	}
	code, stdout, _ := o.call("diff", "--json", "-f", o.file(strings.Replace(declaredJobs, "burst: 20", "burst: 30", 1)))
	var got []struct{ What, From, To string }
	if err := json.Unmarshal([]byte(stdout), &got); code != 1 || err != nil || len(got) != 1 || got[0].What != "limit smtp" || !strings.Contains(got[0].From, "20") || !strings.Contains(got[0].To, "30") {
		t.Errorf("diff of a burst: exit %d, %s, %v", code, stdout, err)
	}
}

// TestApplyOfSchedules: the file's source has the schedules that it declares, and no others.
func TestApplyOfSchedules(t *testing.T) {
	t.Parallel()
	o := setup(t)
	a, err := admin.New(admin.Config{RedisURL: o.url})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.AddSchedule(t.Context(), admin.Declaration{ID: "by-hand", Every: time.Hour, Kind: "k"}, false); err != nil {
		t.Fatal(err)
	}
	file := func(schedules string) string { return o.file("source: billing\nschedules: " + schedules) }
	two := file(`[{id: a, cron: "0 3 * * *", kind: k, args: {n: 1}}, {id: b, every: 1m, kind: k}]`)
	want := "schedule a: is 0 3 * * * in UTC, k\nschedule b: is every 1m, k\n"
	if code, stdout, stderr := o.call("diff", "-f", two); code != 1 || stdout != want {
		t.Errorf("diff: exit %d, %q, %q; want %q", code, stdout, stderr, want)
	}
	if code, stdout, stderr := o.call("apply", "-f", two); code != 0 || stdout != want || !strings.Contains(stderr, "no scheduler leads") {
		t.Errorf("apply: exit %d, %q, %q; want %q", code, stdout, stderr, want)
	}
	if s, err := a.Schedule(t.Context(), "a"); err != nil || s.Source != "billing" || string(s.Args) != `{"n":1}` || s.Next.IsZero() {
		t.Errorf("%+v, %v", s, err)
	}
	if code, stdout, stderr := o.call("apply", "-f", two); code != 0 || stdout != "" || stderr != "nothing to change\n" {
		t.Errorf("again: exit %d, %q, %q", code, stdout, stderr)
	}
	one := file(`[{id: a, cron: "0 4 * * *", kind: k, args: {n: 1}}]`)
	want = "schedule a: is 0 4 * * * in UTC, k, was 0 3 * * * in UTC, k\nschedule b: is removed, was every 1m, k\n"
	if code, stdout, _ := o.call("apply", "-f", one); code != 0 || stdout != want {
		t.Errorf("with a change: exit %d, %q; want %q", code, stdout, want)
	}
	if _, err := a.Schedule(t.Context(), "b"); !errors.Is(err, drayhorse.ErrNotFound) {
		t.Errorf("b: %v, want it gone", err)
	}
	for owner, want := range map[string]string{
		file(`[{id: new, every: 1m, kind: k}, {id: by-hand, every: 1m, kind: k}]`):                       "by-hand was added at run time",
		o.file("source: other\nschedules: [{id: new, every: 1m, kind: k}, {id: a, every: 1m, kind: k}]"): "a belongs to source billing",
	} {
		if code, stdout, stderr := o.call("apply", "-f", owner); code == 0 || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("a schedule of others: exit %d, %q, %q; want %q", code, stdout, stderr, want)
		}
	}
	if _, err := a.Schedule(t.Context(), "new"); !errors.Is(err, drayhorse.ErrNotFound) {
		t.Errorf("new: %v, want nothing to be declared beside what is not possible", err)
	}
	o.says("schedule a: is removed, was 0 4 * * * in UTC, k\n", "apply", "-f", file("[]"))
	if page, err := a.Schedules(t.Context(), ""); err != nil || len(page.Schedules) != 1 || page.Schedules[0].ID != "by-hand" {
		t.Errorf("%+v, %v; want by-hand alone", page, err)
	}
}

// TestApplyOfMistakes changes nothing, and says what is wrong.
func TestApplyOfMistakes(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.enqueue("k", "a", drayhorse.Queue("mail"))
	for content, want := range map[string]string{
		"": "declares nothing",
		"queues: {new: {max_depth: 5}, \"a b\": {}}":                      "a b",
		"queues: {new: {max_depth: -1}}":                                  "queues.new.max_depth: -1; want 1 to",
		"queues: {new: {partitions: 0}}":                                  "queues.new.partitions: 0; want 1 to",
		"queues: {new: {depth: 5}}":                                       "depth",
		"queues: {new: {max_depth: 5}}\nlimits: [{name: l, queue: mail}]": "limits[0]",
		"limits: [{name: l, queue: mail, rate: soon}]":                    "soon",
		"schedules: [{id: a, every: 1m, kind: k}]":                        "no source",
		"source: s":                  "no schedules",
		"source: a b\nschedules: []": "a b",
		"queues: {new: {}}\nsource: s\nschedules:\n- {id: a, every: 1m, kind: k}\n- {id: b, cron: 61 * * * *, kind: k}": ":5: schedules[1]: schedule b",
		"source: s\nschedules: [{id: a, every: 1m, kind: k}, {id: a, every: 2m, kind: k}]":                              "id a is that of schedules[0] too",
		"source: s\nschedules: [{id: a, every: 1m, knd: k}]":                                                            "knd",
		"limits: [{name: l, queue: q, concurrency: 1}, {name: l, queue: q, concurrency: 2}]":                            `limit "l" comes twice`,
	} {
		if code, stdout, stderr := o.call("apply", "-f", o.file(content)); code != 2 || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%q: exit %d, %q, %q; want %q", content, code, stdout, stderr, want)
		}
	}
	if code, _, stderr := o.call("apply", "-f", o.file("queues: {mail: {partitions: 2}}")); code == 0 || !strings.Contains(stderr, "it has 1, which is fixed") {
		t.Errorf("other partitions: exit %d, %q", code, stderr)
	}
	if code, _, stderr := o.call("apply", "-f", o.file("limits: [{name: l, queue: mial, concurrency: 1}]")); code == 0 || !strings.Contains(stderr, `limits[0]: not found: queue "mial"`) {
		t.Errorf("a limit of no queue: exit %d, %q", code, stderr)
	}
	for want, args := range map[string][]string{"no --file": {"diff"}, "nowhere.yaml": {"diff", "-f", "nowhere.yaml"}} {
		if code, _, stderr := o.call(args...); code != 2 || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit %d, %q", args, code, stderr)
		}
	}
	if code, stdout, _ := o.call("queues", "list"); code != 0 || strings.Contains(stdout, "new") || strings.Contains(stdout, "mial") {
		t.Errorf("a queue was made: %q", stdout)
	}
}
