package schedule_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/cli/schedule"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// shell calls the programs on a namespace of its own.
type shell struct {
	*testing.T
	env map[string]string
}

func setup(t *testing.T) *shell {
	t.Helper()
	t.Parallel()
	return &shell{t, map[string]string{
		"DRAYHORSE_REDIS_URL": redistest.Shared(t), "DRAYHORSE_NAMESPACE": redistest.Namespace(t),
	}}
}

func (s *shell) call(args ...string) (code int, stdout, stderr string) {
	s.Helper()
	var out, errs bytes.Buffer
	p := cli.Process{
		Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		LookupEnv: func(name string) (string, bool) { v, ok := s.env[name]; return v, ok },
	}
	root := cli.Group("drayhorse", "test", schedule.Command(), schedule.SchedulesCommand(), schedule.SchedulersCommand())
	ctx, cancel := context.WithTimeout(s.Context(), 20*time.Second) // what should fail might run
	defer cancel()
	return p.Run(ctx, root), out.String(), errs.String()
}

// does calls a program that succeeds, and gives what it prints.
func (s *shell) does(args ...string) string {
	s.Helper()
	code, stdout, stderr := s.call(args...)
	if code != cli.ExitOK {
		s.Fatalf("%v: exit code %d, %s", args, code, stderr)
	}
	return stdout
}

func (s *shell) file(content string) string {
	s.Helper()
	path := filepath.Join(s.TempDir(), "scheduler.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		s.Fatal(err)
	}
	return path
}

// TestEventsTellOfVerbs: operators see who has changed what, as of any other deed.
func TestEventsTellOfVerbs(t *testing.T) {
	s := setup(t)
	a, err := admin.New(admin.Config{RedisURL: s.env["DRAYHORSE_REDIS_URL"], Namespace: s.env["DRAYHORSE_NAMESPACE"]})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := a.LatestEvents(t.Context()); err != nil { // what happens is kept from now on
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"add", "a", "--manual", "--kind", "k"}, {"pause", "a"}, {"resume", "a"}, {"trigger", "a"}, {"remove", "a"},
	} {
		s.does(append([]string{"schedules"}, args...)...)
	}
	events, err := a.LatestEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var acts []string
	for _, e := range slices.Backward(events) { // the latest is the first
		if e.Type == admin.EventOperator && e.On == "a" {
			acts = append(acts, e.Act)
		}
	}
	if want := []string{"schedule added", "schedule paused", "schedule resumed", "schedule triggered", "schedule removed"}; !slices.Equal(acts, want) {
		t.Errorf("events tell of %q, want %q", acts, want)
	}
}

func TestVerbs(t *testing.T) {
	s := setup(t)
	s.does("schedules", "add", "a", "--cron", "0 3 * * *", "--timezone", "Europe/Paris", "--kind", "digest", "--args", `{"path":"/"}`, "--queue", "mail")
	if code, _, stderr := s.call("schedules", "add", "a", "--every", "1h", "--kind", "k"); code != cli.ExitFailed || !strings.Contains(stderr, "schedule a exists") {
		t.Errorf("add again: %d, %s", code, stderr)
	}
	s.does("schedules", "add", "a", "--every", "1h", "--kind", "digest", "--replace")
	s.does("schedules", "add", "b", "--every", "1h", "--kind", "k", "--priority", "low", "--group", "tenant-42")
	if got := s.does("schedules", "get", "b", "--json"); !strings.Contains(got, `"priority": "low"`) || !strings.Contains(got, `"group": "tenant-42"`) {
		t.Errorf("get: %s", got)
	}
	if got := s.does("schedules", "get", "b"); !strings.Contains(got, "low") {
		t.Errorf("get: %s", got)
	}
	s.does("schedules", "remove", "b")
	if got := s.does("scheduler", "list"); !strings.Contains(got, "every 1h ") {
		t.Errorf("list: %s", got)
	}
	var one struct {
		ID, Kind, Every string
		Next            time.Time
	}
	if err := json.Unmarshal([]byte(s.does("schedules", "get", "a", "--json")), &one); err != nil || one.Every != "1h0m0s" || one.Next.IsZero() {
		t.Errorf("get: %+v, %v", one, err)
	}
	s.does("scheduler", "pause", "a")
	if got := s.does("schedules", "list"); !strings.Contains(got, "paused") {
		t.Errorf("list: %s", got)
	}
	s.does("scheduler", "resume", "a")
	job := strings.TrimSpace(s.does("scheduler", "trigger", "a"))
	if got := s.does("schedules", "history", "a"); !strings.Contains(got, job) || !strings.Contains(got, "available") {
		t.Errorf("history: %s, want job %s", got, job)
	}
	if got := s.does("schedules", "backfill", "a", "--from", "2020-01-01T00:00:00Z", "--to", "2020-01-01T05:00:00Z"); got != "enqueued 6, known already 0\n" {
		t.Errorf("backfill: %s", got)
	}
	s.does("schedules", "remove", "a")
	if got := s.does("schedules", "list", "--json"); got != "[]\n" {
		t.Errorf("list: %s, want none", got)
	}
	for _, verb := range []string{"get", "remove", "pause", "resume", "trigger", "history"} {
		if code, _, stderr := s.call("schedules", verb, "a"); code != cli.ExitFailed || !strings.Contains(stderr, "not found: schedule a") {
			t.Errorf("%s of nobody: %d, %s", verb, code, stderr)
		}
	}
}

func TestDiff(t *testing.T) {
	s := setup(t)
	file := s.file("metrics: 127.0.0.1:0\nschedules:\n  - {id: a, every: 1h, kind: k}\n")
	if got := s.does("scheduler", "diff", "--config", file); !strings.Contains(got, "add     a") {
		t.Errorf("diff: %s", got)
	}
	if got := s.does("schedules", "list", "--config", file, "--json"); got != "[]\n" {
		t.Errorf("list: %s, want none: diff changes nothing", got)
	}
	if code, _, stderr := s.call("scheduler", "diff"); code != cli.ExitUsage || !strings.Contains(stderr, "no --config") {
		t.Errorf("diff without a file: %d, %s", code, stderr)
	}
}

// runs runs the daemon until its schedules are declared, and gives its log.
func (s *shell) runs(args ...string) string {
	s.Helper()
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	log := &lines{}
	code := make(chan int)
	go func() {
		p := cli.Process{
			Args: args, Stdout: io.Discard, Stderr: log,
			LookupEnv: func(name string) (string, bool) { v, ok := s.env[name]; return v, ok },
		}
		code <- p.Run(ctx, schedule.Command())
	}()
	const until = "schedules declared"
	redistest.Eventually(s.T, 20*time.Second, until, func() bool { return strings.Contains(log.String(), until) })
	cancel()
	if got := <-code; got != cli.ExitOK {
		s.Errorf("exit code %d, want 0", got)
	}
	return log.String()
}

// lines is what a program has said.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// ids gives the schedules that there are.
func (s *shell) ids() string {
	s.Helper()
	var all []struct{ ID string }
	if err := json.Unmarshal([]byte(s.does("schedules", "list", "--json")), &all); err != nil {
		s.Fatal(err)
	}
	var ids []string
	for _, one := range all {
		ids = append(ids, one.ID)
	}
	return strings.Join(ids, " ")
}

// Two files that name no source keep off each other; what one of them drops is removed,
// and said.
func TestTwoFilesWithoutSource(t *testing.T) {
	s := setup(t)
	first := s.file("schedules:\n  - {id: a, every: 1h, kind: k}\n  - {id: b, every: 1h, kind: k}\n")
	second := s.file("schedules:\n  - {id: c, every: 1h, kind: k}\n")
	s.runs("--config", first)
	s.runs("--config", second)
	if got := s.ids(); got != "a b c" {
		t.Fatalf("schedules %s, want those of both files", got)
	}
	if err := os.WriteFile(first, []byte("schedules:\n  - {id: a, every: 1h, kind: k}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	log := s.runs("--config", first, "--log-format", "json")
	if !strings.Contains(log, `"level":"warn"`) || !strings.Contains(log, "schedule removed") || !strings.Contains(log, `"schedule":"b"`) {
		t.Errorf("log %s, want a warning that names b", log)
	}
	if err := os.WriteFile(first, []byte("schedules: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.runs("--config", first)
	if got := s.ids(); got != "c" {
		t.Errorf("schedules %s, want c alone", got)
	}
}

// The date of a file of 1970, or before, says nothing: its schedules are declared as the
// program starts, also after they were declared from a file with a date.
func TestFileOf1970(t *testing.T) {
	s := setup(t)
	file := s.file("schedules:\n  - {id: a, every: 1h, kind: k}\n")
	s.runs("--config", file)
	for _, at := range []time.Time{time.Unix(0, 0), time.Unix(-1e6, 0)} {
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
		if log := s.runs("--config", file); strings.Contains(log, "left alone") {
			t.Errorf("dated %v: %s", at, log)
		}
	}
}

// Whoever looks at schedules, or adds one, hears that nothing fires.
func TestNobodyLeads(t *testing.T) {
	s := setup(t)
	for _, args := range [][]string{{"schedules", "add", "a", "--every", "1h", "--kind", "k"}, {"schedules", "list"}, {"schedulers", "list"}} {
		code, _, stderr := s.call(args...)
		if code != cli.ExitOK || !strings.Contains(stderr, "no scheduler leads") || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: %d, %q; want a line that nobody leads", args, code, stderr)
		}
	}
	if got := s.does("schedules", "get", "a"); !strings.Contains(got, "{}") {
		t.Errorf("get: %s, want arguments {}", got)
	}
	file := s.file("identity: me\n")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int)
	go func() {
		p := cli.Process{
			Args: []string{"--config", file}, Stdout: io.Discard, Stderr: io.Discard,
			LookupEnv: func(name string) (string, bool) { v, ok := s.env[name]; return v, ok },
		}
		done <- p.Run(ctx, schedule.Command())
	}()
	redistest.Eventually(t, 20*time.Second, "a leader", func() bool { return strings.Contains(s.does("schedulers", "list"), "me") })
	if code, _, stderr := s.call("schedules", "list"); code != cli.ExitOK || stderr != "" {
		t.Errorf("list: %d, %q; want no word of leaders", code, stderr)
	}
	if got := s.does("schedulers", "list", "--json"); !strings.Contains(got, `"identity": "me"`) && !strings.Contains(got, `"identity":"me"`) {
		t.Errorf("schedulers list --json: %s", got)
	}
	cancel()
	<-done
}

// A schedule can be manual, or paused from the start.
func TestManualAndPaused(t *testing.T) {
	s := setup(t)
	s.runs("--config", s.file("schedules:\n  - {id: a, manual: true, kind: k}\n  - {id: b, every: 1h, paused: true, kind: k}\n"))
	got := s.does("schedules", "list")
	if !strings.Contains(got, "by hand") || !strings.Contains(got, "paused") {
		t.Errorf("list: %s", got)
	}
	s.does("schedules", "trigger", "a")
	s.does("schedules", "add", "c", "--manual", "--kind", "k")
	s.does("schedules", "add", "d", "--every", "1h", "--paused", "--kind", "k")
}

// The daemon declares what its file says, fires, and stops with 0.
func TestDaemon(t *testing.T) {
	s := setup(t)
	file := s.file("schedules:\n  - {id: a, every: 1s, kind: k, args: {n: 12345678901234567890, deep: {list: [1, x]}}, retain: 1h, priority: high, group: tenant-42}\n")
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int)
	go func() {
		p := cli.Process{
			Args: []string{"--config", file, "--metrics", "127.0.0.1:0"}, Stdout: io.Discard, Stderr: io.Discard,
			LookupEnv: func(name string) (string, bool) { v, ok := s.env[name]; return v, ok },
		}
		code <- p.Run(ctx, schedule.Command())
	}()
	redistest.Eventually(t, 20*time.Second, "a tick", func() bool {
		code, history, _ := s.call("schedules", "history", "a")
		return code == cli.ExitOK && strings.Contains(history, "enqueued")
	})
	if got := s.does("schedules", "get", "a"); !strings.Contains(got, `{"deep":{"list":[1,"x"]},"n":12345678901234567890}`) || !strings.Contains(got, "scheduler.yaml") || !strings.Contains(got, "high") {
		t.Errorf("get: %s", got)
	}
	if code, _, stderr := s.call("schedules", "remove", "a"); code != cli.ExitUsage || !strings.Contains(stderr, "declared by source ") {
		t.Errorf("remove what is declared: %d, %s", code, stderr)
	}
	cancel()
	if got := <-code; got != cli.ExitOK {
		t.Errorf("exit code %d, want 0", got)
	}
}

// Each mistake in a config file ends the program with 2 and one line that names it.
func TestBadConfig(t *testing.T) {
	s := setup(t)
	for entry, want := range map[string]string{
		`{id: a, cron: "0 25 * * *", kind: k}`:                     `schedules[0]: schedule a: invalid: cron "0 25 * * *": field 2 (hour): "25"; want 0-23`,
		`{id: a, cron: "0 3 * * *", timezone: Mars/Base, kind: k}`: `timezone "Mars/Base"`,
		`{id: a, cron: "0 0 31 2 *", kind: k}`:                     `never fires`,
		`{id: a, every: 0, kind: k}`:                               `every 0s; want at least 1s`,
		`{id: a, every: 0s, kind: k}`:                              `every 0s; want at least 1s`,
		`{id: a, every: 5, kind: k}`:                               `every "5"; want a duration`,
		`{id: a, every: 1h, cron: "0 3 * * *", kind: k}`:           `are given together`,
		`{id: a, kind: k}`:                                         `neither cron nor every is given; want one of them, or manual`,
		// What people type.
		`{id: a, cron: "CRON_TZ=America/New_York 0 9 * * MON-FRI", timezone: UTC, kind: k}`: `cron has the zone "America/New_York" and timezone is "UTC"; want one of them`,
		`{id: a, cron: "0 9 * * Monday", kind: k}`:                                          `"Monday"; want 0-7 or sun-sat, here mon`,
		`{id: a, cron: "*/90 * * * *", kind: k}`:                                            `step "90"; want 1-60, or the schedule's every: 90m in place of cron`,
		`{id: a, cron: "@every 5m", kind: k}`:                                               `want the schedule's every instead: every: 5m`,
		`{id: a, cron: "0 0 12 * * ?", kind: k}`:                                            `"?"; want 0-7 or sun-sat, or * for any`,
		`{id: a, cron: "0 0 L * *", kind: k}`:                                               `"L"; want 1-31; L, W and # are not read`,
		`{id: a, cron: "0 3 * *", kind: k}`:                                                 `4 fields; want 5 (minute hour day month weekday)`,
		`{id: a, cron: "0 22-6 * * *", kind: k}`:                                            `range "22-6" runs backwards; want two ranges with a comma`,
		`{id: a, cron: "0 3 * * *", timezone: CEST, kind: k}`:                               `timezone "CEST"; want an IANA name`,
		`{id: my job, every: 1h, kind: k}`:                                                  `schedule id "my job"; want 1-100 of letters`,
		`{id: a, every: -5m, kind: k}`:                                                      `every -5m0s; want at least 1s`,
		`{id: a, manual: true, every: 1h, kind: k}`:                                         `manual is given with cron`,
		`{id: a, manual: true, overlap: skip, kind: k}`:                                     `manual with catch_up, overlap or jitter`,
		`{id: a, evrey: 1h, kind: k}`:                                                       `did you mean every?`,
		`{id: a, every: 1h, kind: k, catchup: all}`:                                         `did you mean catch_up?`,
		`{id: a, every: 1h, kind: k, end: 2030-01-01}`:                                      `end "2030-01-01"; want a time such as 2030-01-02T15:04:05Z`,
		`{id: a, every: 1h}`:                                                                `kind is empty`,
		`{id: a, every: 1h, kind: ""}`:                                                      `kind is empty`,
		`{every: 1h, kind: k}`:                                                              `schedule id ""`,
		`{id: a, every: 1h, kind: k, catch_up: some}`:                                       `catch_up "some"; want skip, last or all`,
		`{id: a, every: 1h, kind: k, catch_up: all, overlap: skip}`:                         `catch_up all with overlap skip`,
		`{id: a, every: 1h, kind: k, group: a/b}`:                                           `group "a/b"; want 1-128 of letters`,
		`{id: a, every: 1h, kind: k, priority: highest}`:                                    `priority "highest"; want low, normal, high, urgent`,
		`{id: a, every: 1h, kind: k, overlap: 3}`:                                           `overlap`,
		`{id: a, every: 1h, kind: k, que: q}`:                                               `key "schedules[0].que" is not known`,
		`{id: a, every: 1h, kind: k, start: tomorrow}`:                                      `start`,
		`{id: a, every: 1h, kind: k, queue: ""}`:                                            `queue name: ""`,
		`{id: a, every: 1h, kind: k, max_attempts: 0}`:                                      `max_attempts 0`,
		"{id: a, every: 1h, kind: k}\n  - {id: a, every: 2h, kind: k}":                      `schedules[1]: invalid: id a is that of schedules[0] too`,
	} {
		file := s.file("schedules:\n  - " + entry + "\n")
		code, _, stderr := s.call("scheduler", "--config", file)
		if code != cli.ExitUsage || !strings.Contains(stderr, want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit code %d, %q; want %d and one line with %q", entry, code, stderr, cli.ExitUsage, want)
		}
	}
}

// All that is wrong is named at once, each by its place in the file.
func TestAllMistakesAtOnce(t *testing.T) {
	s := setup(t)
	file := s.file("schedules:\n  - {id: a, cron: '0 25 * * *', kind: k}\n  - {id: b, every: 1h, kind: k}\n  - {id: c, every: 1ms, kind: k}\n  - {id: d, every: 1h}\n")
	code, _, stderr := s.call("scheduler", "--config", file)
	if code != cli.ExitUsage {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{`schedules[0]`, `"25"; want 0-23`, `schedules[2]`, `every 1ms; want 1s`, `schedules[3]`, `kind is empty`} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q, want %q in it", stderr, want)
		}
	}
	if strings.Contains(stderr, "schedules[1]") {
		t.Errorf("%q names what is right", stderr)
	}
}
