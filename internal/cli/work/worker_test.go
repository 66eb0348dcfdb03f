package work

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// call runs the program with a config file.
func call(t *testing.T, config string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "worker.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, err bytes.Buffer
	p := cli.Process{
		Args: append(args, "--config", path), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &err,
		LookupEnv: func(string) (string, bool) { return "", false },
	}
	code = p.Run(t.Context(), Command())
	return code, out.String(), strings.ReplaceAll(err.String(), path, "FILE")
}

const handler = "handlers: {a: {exec: {command: [\"true\"]}}}\n"

func TestConfigInForceIsPrinted(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := call(t, "queues: {a: 2}\n"+handler, "--print-config", "--redis", "redis://:s3cret@h", "--concurrency", "7")
	want := `redis_url: redis://:***@h
namespace: drayhorse
log_level: info
log_format: auto
metrics: ""
pprof: false
otlp_endpoint: ""
queues:
  a: 2
strict_order: false
concurrency: 7
shutdown_timeout: 25s
handlers:
  a:
    exec:
      command:
      - "true"
`
	if code != 0 || stdout != want || stderr != "" {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}
	groups := "limits:\n- name: l\n  queue: q\n  per_group: true\n  concurrency: 3\n"
	if code, stdout, stderr := call(t, handler+"limits: [{name: l, queue: q, per_group: true, concurrency: 3}]", "--print-config"); code != 0 || !strings.Contains(stdout, groups) {
		t.Errorf("limits of groups: exit %d, %s%s", code, stdout, stderr)
	}
	breaker := "limits:\n- name: l\n  queue: q\n  kind: k\n  breaker:\n    rate: 0.5\n    min: 20\n    window: 1m0s\n    cool_down: 30s\n    probes: 3\n"
	if code, stdout, stderr := call(t, handler+"limits: [{name: l, queue: q, kind: k, breaker: {rate: 0.5, min: 20, window: 1m, cool_down: 30s, probes: 3}}]", "--print-config"); code != 0 || !strings.Contains(stdout, breaker) {
		t.Errorf("breaker: exit %d, %s%s", code, stdout, stderr)
	}
	limits := "limits:\n- name: l\n  queue: q\n  concurrency: 3\n  rate: 100/1m\n  burst: 20\n"
	if code, stdout, stderr := call(t, handler+"limits: [{name: l, queue: q, concurrency: 3, rate: 100/1m, burst: 20}]", "--print-config"); code != 0 || !strings.Contains(stdout, limits) {
		t.Errorf("limits: exit %d, %s%s", code, stdout, stderr)
	}
	if _, stdout, _ := call(t, handler, "--print-config"); !strings.Contains(stdout, "queues:\n  default: 1\n") {
		t.Errorf("without queues: %s", stdout)
	}
}

func TestWrongWorkers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ config, args, want string }{
		{"", "", "worker: invalid: no handlers; want at least one, under handlers in the file of --config"},
		{"handlers: {a: {}}", "", "invalid: handlers.a has no handler; want exec or http"},
		{"handlers: {a: {exec: {command: [no-such-program]}}}", "", `"no-such-program"`},
		{"handlers: {a b: {exec: {command: [ls]}}}", "", `kind "a b"`},
		{"handlers: {a: {exec: {command: [ls], timout: 5s}}}", "", `FILE:1: key "handlers.a.exec.timout" is not known; did you mean timeout?`},
		{"handlers: {a: {http: {url: ftp://h}}}", "", `handlers.a.http.url "ftp://h"`},
		{"handlers: {a: {exec: {command: ls}}}", "", "FILE:1: handlers.a.exec.command \"ls\"; want a list"},
		{handler + "limits: [{name: l, concurrency: 1}]", "", "limits: invalid: limit l: Queue and Kind are empty; want the queue"},
		{handler + "limits: [{name: l, queue: q}]", "", "limit l: it limits nothing; want Concurrency, Rate, Breaker or several of them"},
		{handler + "limits: [{name: l, queue: q, breaker: {rate: 5, window: 1m, cool_down: 30s}}]", "", "limit l: Breaker.Rate 5; want 0.001 to 1"},
		{handler + "limits: [{name: l, queue: q, breaker: {rate: 0.5, coldown: 30s}}]", "", "coldown"},
		{handler + "limits: [{name: l, queue: q, rate: fast}]", "", `rate "fast"; want jobs per time, as in 100/1m`},
		{handler + "limits: [{name: l, queue: q, group: k, concurrency: 1}]", "", `key "limits[0].group" is not known`},
		{handler + "limits: [{name: l, queue: q, kind: k k, concurrency: 1}]", "", `limit l: invalid: kind "k k"`},
		{handler + "limits: [{name: l, queue: q, concurrency: 1}, {name: l, queue: r, concurrency: 1}]", "", "two limits are named l"},
		{handler, "--concurrency 0", "concurrency 0; want 1 or more"},
		{handler, "--concurrency 100001", "Concurrency 100001"},
		{handler, "--shutdown-timeout -1s", "shutdown_timeout -1s; want 0 or more"},
		{handler, "--queue a=0", `--queue "a=0"`},
		{handler + "queues: {a: -1}", "", `weight -1 of queue "a"`},
		{handler + "queues: {a/b: 1}", "", `"a/b"`},
		{handler, "--metrics 9090", `metrics "9090"; want HOST:PORT or :PORT`},
		{handler, "--pprof", "pprof without metrics"},
		{handler, "--otlp-endpoint h:4318", `otlp_endpoint "h:4318"; want http://HOST:PORT or https://HOST:PORT`},
		{handler, "--otlp-endpoint http://me:pw@h:4318", `otlp_endpoint "http://me:***@h:4318"; want it without user and password`},
		{handler, "--redis http://h", `"http://h"`},
		{handler, "--namespace a/b", `"a/b"`},
		{handler, "more", `argument "more"`},
	} {
		code, stdout, stderr := call(t, c.config, strings.Fields(c.args)...)
		if c.args != "more" { // --print-config stands for what is called
			if printed, _, same := call(t, c.config, append(strings.Fields(c.args), "--print-config")...); printed != code || same != stderr {
				t.Errorf("%q %q: --print-config: exit %d, %q; want %q", c.config, c.args, printed, same, stderr)
			}
		}
		if code != cli.ExitUsage || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("%q %q: exit %d, %q, %q; want %q", c.config, c.args, code, stdout, stderr, c.want)
		}
	}
}

func TestPrintedHandlersShowNoSecrets(t *testing.T) {
	t.Parallel()
	config := "handlers: {a: {http: {url: \"https://hooks.example/x?token=s3cret&s3cret\"}}}\notlp_endpoint: http://h:4318/?key=s3cret\n"
	code, stdout, stderr := call(t, config, "--print-config")
	if code != 0 || strings.Contains(stdout+stderr, "s3") || !strings.Contains(stdout, "url: https://hooks.example/x?token=***&***") {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}
}
