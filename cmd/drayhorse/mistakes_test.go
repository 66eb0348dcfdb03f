package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/internal/cli"
)

// mistake is a slip in how a program is called, in a file or in the environment.
type mistake struct {
	args string            // with spaces between them; _ stands for a space in one
	file string            // the content of FILE
	env  map[string]string // beside a Redis that nobody answers at
	code int               // 0: 2
	want string
}

// handler makes a worker's config file complete.
const handler = "handlers: {a: {exec: {command: [\"true\"]}}}\n"

// mistakes are those that people make. Each is answered by one line that names the value
// and what would be right.
var mistakes = []mistake{
	// Commands.
	{args: "enqueue --kind k", want: `command "enqueue" is not known; did you mean drayhorse producer enqueue?`},
	{args: "import jobs.ndjson", want: "did you mean drayhorse producer import?"},
	{args: "serve", want: "did you mean drayhorse producer serve?"},
	{args: "trigger nightly", want: "did you mean drayhorse scheduler trigger or drayhorse schedules trigger?"},
	{args: "enqeue --kind k", want: "did you mean drayhorse producer enqueue?"},
	{args: "quues list", want: "did you mean queues?"},
	{args: "status", want: "did you mean drayhorse queues list?"},
	{args: "dashboard", want: "did you mean drayhorse ui?"},
	{args: "tui", want: "did you mean drayhorse top?"},
	{args: "top queues", want: `argument "queues"; want flags alone, see drayhorse top --help`},
	{args: "top", want: "this is no terminal; want one, or drayhorse queues list --watch"},
	{args: "jobs purge --state discarded", want: "did you mean drayhorse queues purge?"},
	{args: "worker list", want: `argument "list"; did you mean drayhorse workers list?`},
	{args: "scheduler history x", want: "did you mean drayhorse schedules history?"},
	{args: "help nonesuch", want: `command "nonesuch" is not known; want actions, apply, asynq,`},
	{args: "help enqueue", want: "did you mean drayhorse producer enqueue?"},
	{args: "completion bahs", want: "did you mean bash?"},
	{args: "jobs", want: "no command is given; want cancel, clone, delete, edit, explain, get, list"},
	// Flags.
	{args: "worker --concurency 5", want: "flag --concurency is not known; did you mean --concurrency?"},
	{args: "worker -c worker.yaml", want: "flag -c is not known; did you mean --concurrency or --config?"},
	{args: "worker -config worker.yaml", want: "flag -config is not known; did you mean --config?"},
	{args: "worker --redis", want: "--redis has no value; want --redis URL"},
	{args: "worker --concurrency 10k", want: `--concurrency "10k"; want a whole number`},
	{args: "worker --shutdown-timeout 25", want: `--shutdown-timeout "25"; want a duration such as 500ms, 30s, 5m or 7d`},
	{args: "worker --print-config=5", want: `--print-config "5"; want true or false`},
	{args: "worker --log-level verbose", want: `--log-level "verbose"; want debug, info, warn or error`},
	{args: "worker --queue mail:3=x", want: `--queue "mail:3=x"; want NAME or NAME=WEIGHT`},
	{args: "worker --metrics 9090", want: `metrics "9090"; want HOST:PORT or :PORT`},
	{args: "top --every 5", want: `--every "5"; want a duration such as`},
	{args: "top --every 1ms", want: "every 1ms; want 500ms to 1h0m0s"},
	{args: "top --readonly", want: "did you mean --read-only?"},
	{args: "jobs list -n many", want: `--limit "many"; want a whole number`},
	{args: "queues list -n -1", want: "--limit -1; want 1 or more, or 0 for all"},
	{args: "jobs list --output yaml", want: `--output "yaml"; want json, wide or name`},
	{args: "jobs list --state lost", want: `state "lost"; want scheduled, available, running, retryable, completed, cancelled or discarded`},
	{args: "jobs list --where stat:discarded", want: `"stat" is not known; want one of state, queue, kind`},
	{args: "jobs list --where before:2x", want: `before "2x"; want a time such as 2h`},
	{args: "jobs get", want: "no ID is given; want drayhorse jobs get ID"},
	{args: "jobs get a/b", want: `id "a/b"; want 1-128 of letters, digits`},
	{args: "jobs wait x --timeout 5", want: `--timeout "5"; want a duration`},
	{args: "queues set mail", want: "nothing is given to set; want --max-depth N"},
	{args: "queues set mail --max-depth -1", want: "--max-depth -1; want 1 to 1000000000, or 0 for any number"},
	{args: "limits set smtp --queue q --rate 100", want: `--rate "100"; want jobs per time, as in 100/1m`},
	{args: "schedules add n --cron 0_3_*_* --kind k", want: `cron "0 3 * *": 4 fields; want 5 (minute hour day month weekday)`},
	{args: "schedules add n --every 1d", want: "kind is empty; want the kind of its jobs"},
	{args: "producer enqueue --kind k --at tomorrow", want: `--at "tomorrow"; want a time such as 2030-01-02T15:04:05Z`},
	{args: "producer enqueue --kind k --args {a:1}", want: "are not JSON"},
	{args: "producer serve --listen 0.0.0.0:8080", want: "want a token file, or a loopback address such as 127.0.0.1:8080"},
	// URLs.
	{args: "queues list --redis localhost:6379", want: "did you mean redis://localhost:6379?"},
	{args: "queues list --redis http://localhost:6379", want: "unknown scheme: did you mean redis://localhost:6379?"},
	{args: "queues list --redis redis://localhost:port/0", want: "port"},
	{args: "queues list --redis redis://localhost:1/first", want: "first"},
	{args: "queues list --redis redis+sentinel://a:1,b:2", want: "MASTER"},
	{args: "queues list", code: 1, want: "redis unavailable: redis://127.0.0.1:1/0"},
	// Files.
	{args: "worker --config nowhere.yaml", want: `--config "nowhere.yaml": no such file or directory; want a YAML file that can be read`},
	{args: "worker --config FILE", file: "concurency: 5\n", want: `FILE:1: key "concurency" is not known; did you mean concurrency?`},
	{args: "worker --config FILE", file: "\nconcurrency: many\n", want: `FILE:2: concurrency "many"; want a whole number`},
	{args: "worker --config FILE", file: "\nconcurrency: 0\n", want: "FILE:2: invalid: concurrency 0; want 1 or more"},
	{args: "worker --config FILE", file: "queues: [a, b]\n", want: "FILE:1: queues is a list; want keys with values"},
	{args: "worker --config FILE", file: "queues:\n  a: 0\n" + handler, want: "FILE:2: invalid: weight 0"},
	{args: "worker --config FILE", file: "namespace: a b\n", want: `FILE:1: invalid: namespace "a b"`},
	{args: "worker --config FILE", file: "handlers:\n  a: {exec: {command: [ls], timeout: 5}}\n", want: `FILE:2: handlers.a.exec.timeout "5"; want a duration`},
	{args: "worker --config FILE", file: "handlers:\n  a:\n    exec:\n      command: [sha256sun]\n", want: `FILE:4: invalid: handlers.a.exec.command[0] "sha256sun"`},
	{args: "worker --config FILE", file: handler + "limits:\n  - {name: l, queue: q, rate: 100}\n", want: `FILE:3: limits[0].rate "100"; want jobs per time`},
	{args: "worker --config FILE", file: "handlers:\n\ta: {}\n", want: "FILE:2: a tab before the text; want spaces"},
	{args: "scheduler --config FILE", file: "schedules:\n  - id: a\n\tevery: 30s\n", want: "FILE:3: a tab before the text; want spaces"},
	// Schedules.
	{args: "scheduler --config FILE", file: "schedules:\n  - id: a\n    cron: 61 * * * *\n    kind: k\n", want: `FILE:3: schedules[0]: schedule a: invalid: cron "61 * * * *": field 1 (minute): "61"; want 0-59`},
	{args: "scheduler --config FILE", file: "schedules:\n  - id: a\n    cron: 0 3 * * *\n    kind: k\n    timezone: Europe/Pariss\n", want: `FILE:5: schedules[0]: schedule a: invalid: timezone "Europe/Pariss"; want an IANA name`},
	{args: "scheduler --config FILE", file: "schedules:\n  - {id: a, every: 30, kind: k}\n", want: `FILE:2: schedules[0].every "30"; want a duration`},
	{args: "scheduler --config FILE", file: "schedules:\n  - {id: a, every: 500ms, kind: k}\n", want: "FILE:2: schedules[0]: schedule a: invalid: every 500ms; want 1s to 100 years"},
	{args: "scheduler --config FILE", file: "schedules:\n  - id: a\n    every: 1m\n    kind: k\n    max_attempts: 0\n", want: "FILE:5: schedules[0]: schedule a: invalid: max_attempts 0; want at least 1"},
	{args: "scheduler --config FILE", file: "schedules:\n  - {id: a, every: 1m, kind: k}\n  - {id: a, every: 2m, kind: k}\n", want: "FILE:3: schedules[1]: invalid: id a is that of schedules[0] too; want another one"},
	{args: "scheduler --config FILE", file: "schedules:\n  - {id: a, kind: k}\n", want: "FILE:2: schedules[0]: schedule a: invalid: neither cron nor every is given"},
	{args: "scheduler --config FILE", file: "schedules:\n  - {id: a, every: 1m, cron: '* * * * *', kind: k}\n", want: "FILE:2: schedules[0]: schedule a: invalid: cron \"* * * * *\" and every 1m0s are given together"},
	{args: "scheduler --config FILE", file: "schedules:\n  - {id: a, evry: 30s, kind: k}\n", want: `FILE:2: key "schedules[0].evry" is not known; did you mean every?`},
	{args: "scheduler --config FILE", file: "schedules: {id: a}\n", want: "FILE:1: schedules has keys with values; want a list"},
	{args: "schedules diff --config FILE", file: "schedules:\n  - {id: a, every: 1m, kind: k, overlap: never}\n", want: `FILE:2: schedules[0]: schedule a: invalid: overlap "never"; want allow, skip, queue or replace`},
	{args: "dev --config FILE", file: "schedules:\n  - {id: a, every: 1m, kind: k, catch_up: lst}\n", want: `FILE:2: schedules[0]: schedule a: invalid: catch_up "lst"; want skip, last or all`},
	// Tokens.
	{args: "producer serve --token-file nowhere.yaml", want: `token_file "nowhere.yaml": no such file or directory; want a file such as producer token NAME writes entries for`},
	{args: "producer serve --token-file FILE", file: "tokens:\n  - {name: a, enqeue: [q]}\n", want: `FILE:2: key "tokens[0].enqeue" is not known; did you mean enqueue?`},
	{args: "producer serve --token-file FILE", file: "tokens:\n  - {name: a, sha256: abc, enqueue: [q]}\n", want: "FILE:2: tokens[0].sha256: sha256 has 3 characters; want 64 hexadecimal digits"},
	// Import.
	{args: "producer import nowhere.ndjson", want: `"nowhere.ndjson": no such file or directory`},
	{args: "producer import FILE --dry-run", file: "[{\"kind\":\"k\"}]\n", want: "the input is a JSON array; want one object a line"},
	// Environment.
	{args: "worker", env: map[string]string{"DRAYHORSE_CONCURRENCY": "ten"}, want: `DRAYHORSE_CONCURRENCY "ten"; want a whole number`},
	{args: "worker", env: map[string]string{"DRAYHORSE_LOG_FORMAT": "text"}, want: `DRAYHORSE_LOG_FORMAT "text"; want json, console or auto`},
	{args: "worker", env: map[string]string{"DRAYHORSE_CONFIG": "nowhere.yaml"}, want: `"nowhere.yaml": no such file or directory`},
}

// said runs a program on a mistake.
func (m *mistake) said(t *testing.T) (code int, stdout, stderr string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file.yaml")
	if err := os.WriteFile(file, []byte(m.file), 0o600); err != nil {
		t.Fatal(err)
	}
	args := strings.Fields(m.args)
	for i := range args {
		if args[i] = strings.ReplaceAll(args[i], "_", " "); args[i] == "FILE" {
			args[i] = file
		}
	}
	env := map[string]string{"DRAYHORSE_REDIS_URL": "redis://127.0.0.1:1/0"}
	var environ []string
	for name, value := range m.env {
		env[name], environ = value, append(environ, name+"="+value)
	}
	var out, complaints bytes.Buffer
	p := cli.Process{
		Args: args, LookupEnv: func(name string) (string, bool) { value, ok := env[name]; return value, ok }, Environ: environ,
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &complaints,
	}
	code = p.Run(context.Background(), command("drayhorse"))
	return code, out.String(), strings.ReplaceAll(complaints.String(), file, "FILE")
}

func TestMistakesAreAnsweredByOneLine(t *testing.T) {
	t.Parallel()
	for _, m := range mistakes {
		t.Run(m.args, func(t *testing.T) {
			t.Parallel()
			want := max(m.code, 1)
			if m.code == 0 {
				want = cli.ExitUsage
			}
			code, stdout, stderr := m.said(t)
			t.Log(stderr)
			if code != want || stdout != "" || strings.Count(stderr, "\n") != 1 || len(stderr) > 400 || !strings.Contains(stderr, m.want) {
				t.Errorf("file %q, env %v: exit %d, %q, %q; want exit %d and one line with %q", m.file, m.env, code, stdout, stderr, want, m.want)
			}
			for _, jargon := range []string{"invalid argument", "strconv", "unknown shorthand", "%!", "yaml:", "unmarshal"} {
				if strings.Contains(stderr, jargon) {
					t.Errorf("%q in %q", jargon, stderr)
				}
			}
		})
	}
}

// TestAllMistakesOfAFileAreNamed: one line each, in the order of the file.
func TestAllMistakesOfAFileAreNamed(t *testing.T) {
	t.Parallel()
	m := mistake{args: "scheduler --config FILE", file: "schedules:\n" +
		"  - {id: a, cron: '61 * * * *', kind: k}\n  - {id: b, every: 1m, kind: k}\n  - {id: c, every: 1m, kind: k, timezone: Pari}\n  - id: d\n    every: 1ms\n    kind: k\n"}
	code, _, stderr := m.said(t)
	lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
	if code != cli.ExitUsage || len(lines) != 3 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	for i, want := range []string{"FILE:2: schedules[0]", "FILE:4: schedules[2]", "FILE:6: schedules[3]"} {
		if !strings.HasPrefix(lines[i], "drayhorse scheduler: "+want) {
			t.Errorf("line %d is %q; want %s", i+1, lines[i], want)
		}
	}
}

// TestAMisspeltVariableIsSaid: it may be another program's, so it is a warning.
func TestAMisspeltVariableIsSaid(t *testing.T) {
	t.Parallel()
	m := mistake{args: "worker", env: map[string]string{"DRAYHORSE_CONCURENCY": "4"}}
	if code, _, stderr := m.said(t); code != cli.ExitUsage || !strings.Contains(stderr, "DRAYHORSE_CONCURENCY is no setting; did you mean DRAYHORSE_CONCURRENCY?") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// TestAFlagHasNoLine: the value of a file that a flag stands for is not blamed.
func TestAFlagHasNoLine(t *testing.T) {
	t.Parallel()
	m := mistake{args: "worker --concurrency 0 --config FILE", file: "concurrency: 5\n" + handler}
	if code, _, stderr := m.said(t); code != cli.ExitUsage || strings.Contains(stderr, "FILE") || !strings.Contains(stderr, "concurrency 0") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
