package schedule_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
	root := cli.Group("drayhorse", "test", schedule.Command(), schedule.SchedulesCommand())
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

func TestVerbs(t *testing.T) {
	s := setup(t)
	s.does("schedules", "add", "a", "--cron", "0 3 * * *", "--timezone", "Europe/Paris", "--kind", "digest", "--args", `{"path":"/"}`, "--queue", "mail")
	if code, _, stderr := s.call("schedules", "add", "a", "--every", "1h", "--kind", "k"); code != cli.ExitFailed || !strings.Contains(stderr, "schedule a exists") {
		t.Errorf("add again: %d, %s", code, stderr)
	}
	s.does("schedules", "add", "a", "--every", "1h", "--kind", "digest", "--replace")
	if got := s.does("scheduler", "list"); !strings.Contains(got, "every 1h0m0s") {
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

// The daemon declares what its file says, fires, and stops with 0.
func TestDaemon(t *testing.T) {
	s := setup(t)
	file := s.file("schedules:\n  - {id: a, every: 1s, kind: k, args: {n: 12345678901234567890, deep: {list: [1, x]}}, retain: 1h}\n")
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
	if got := s.does("schedules", "get", "a"); !strings.Contains(got, `{"deep":{"list":[1,"x"]},"n":12345678901234567890}`) || !strings.Contains(got, "scheduler") {
		t.Errorf("get: %s", got)
	}
	if code, _, stderr := s.call("schedules", "remove", "a"); code != cli.ExitUsage || !strings.Contains(stderr, "declared by source scheduler") {
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
		`{id: a, cron: "0 25 * * *", kind: k}`:                         `schedules[0]: schedule a: invalid: cron "0 25 * * *": field 2 (hour): "25"; want 0-23`,
		`{id: a, cron: "0 3 * * *", timezone: Mars/Base, kind: k}`:     `timezone "Mars/Base"`,
		`{id: a, cron: "0 0 31 2 *", kind: k}`:                         `never fires`,
		`{id: a, every: 0, kind: k}`:                                   `every 0s; want at least 1s`,
		`{id: a, every: 0s, kind: k}`:                                  `every 0s; want at least 1s`,
		`{id: a, every: 5, kind: k}`:                                   `every "5"; want a duration`,
		`{id: a, every: 1h, cron: "0 3 * * *", kind: k}`:               `are given together`,
		`{id: a, kind: k}`:                                             `neither cron nor every`,
		`{id: a, every: 1h}`:                                           `kind is empty`,
		`{id: a, every: 1h, kind: ""}`:                                 `kind is empty`,
		`{every: 1h, kind: k}`:                                         `schedule id ""`,
		`{id: a, every: 1h, kind: k, catch_up: some}`:                  `catch_up "some"; want skip, last or all`,
		`{id: a, every: 1h, kind: k, catch_up: all, overlap: skip}`:    `catch_up all with overlap skip`,
		`{id: a, every: 1h, kind: k, overlap: 3}`:                      `overlap`,
		`{id: a, every: 1h, kind: k, que: q}`:                          `key "schedules[0].que" is not known`,
		`{id: a, every: 1h, kind: k, start: tomorrow}`:                 `start`,
		`{id: a, every: 1h, kind: k, queue: ""}`:                       `queue name: ""`,
		`{id: a, every: 1h, kind: k, max_attempts: 0}`:                 `MaxAttempts(0)`,
		"{id: a, every: 1h, kind: k}\n  - {id: a, every: 2h, kind: k}": `schedules[1]: invalid: id a is that of schedules[0] too`,
	} {
		file := s.file("schedules:\n  - " + entry + "\n")
		code, _, stderr := s.call("scheduler", "--config", file)
		if code != cli.ExitUsage || !strings.Contains(stderr, want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit code %d, %q; want %d and one line with %q", entry, code, stderr, cli.ExitUsage, want)
		}
	}
}
