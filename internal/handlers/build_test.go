package handlers

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/conf"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestMain(m *testing.M) {
	if act, ok := acts[os.Getenv(actVariable)]; ok {
		act(os.Args[1:])
		syscall.Exit(0) // without what os.Exit has to say of coverage and races
	}
	redistest.Main(m)
}

// recordedJob is a job that keeps what its handler reports.
type recordedJob struct {
	*drayhorse.Job[json.RawMessage]
	result json.RawMessage
}

func (r *recordedJob) SetResult(result json.RawMessage) error {
	r.result = result
	return nil
}

// text gives a result that is a JSON string.
func (r *recordedJob) text(t *testing.T) string {
	t.Helper()
	var s string
	if err := json.Unmarshal(r.result, &s); err != nil {
		t.Fatalf("result %.100q: %v", r.result, err)
	}
	return s
}

func newJob(args string) *recordedJob {
	r := &recordedJob{Job: &drayhorse.Job[json.RawMessage]{
		ID: "job-1", Kind: "k", Queue: "q", Attempt: 3, MaxAttempts: 25, Args: json.RawMessage(args),
	}}
	r.Bind(r)
	return r
}

// buildOne makes the one handler of cfg, for kind k.
func buildOne(t *testing.T, cfg Config, opts Options) Func {
	t.Helper()
	set, err := Build(map[string]Config{"k": cfg}, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	return set.Funcs["k"]
}

// destination says where a handler's error sends the job.
func destination(err error) drayhorse.State {
	if err == nil {
		return drayhorse.Completed
	}
	if steer, ok := errors.AsType[*drayhorse.Steer](err); ok {
		return steer.To
	}
	return drayhorse.Retryable
}

func TestConfigOfTheDocsIsRead(t *testing.T) {
	t.Parallel()
	var cfg struct {
		Handlers map[string]Config `yaml:"handlers"`
	}
	text := `
handlers:
  digest:  {exec: {command: ["sha256sum", "{{path}}"], timeout: 1m}}
  notify:  {http: {url: "http://127.0.0.1:9000/hooks", timeout: 10s, allow_private: true, secret: {env: KEY}}}
`
	if _, err := conf.Decode("worker.yaml", []byte(text), conf.Limits{Bytes: 1000, Entries: 100}, &cfg); err != nil {
		t.Fatal(err)
	}
	if got := cfg.Handlers["digest"].Exec.Timeout; got != time.Minute {
		t.Errorf("timeout = %v; want 1m", got)
	}
	set, err := Build(cfg.Handlers, Options{LookupEnv: func(string) (string, bool) { return "s3cret", true }})
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Funcs) != 2 {
		t.Errorf("%d handlers; want 2", len(set.Funcs))
	}
}

// TestDocsListEveryKey holds docs/handlers.md to the configuration.
func TestDocsListEveryKey(t *testing.T) {
	t.Parallel()
	docs, err := os.ReadFile("../../docs/handlers.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(docs), "\n## exec\n")
	exec, web, _ := strings.Cut(text, "\n## http\n")
	for section, config := range map[string]reflect.Type{exec: reflect.TypeFor[Exec](), web: reflect.TypeFor[HTTP]()} {
		for field := range config.Fields() {
			key, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
			if !strings.Contains(section, "\n| `"+key+"` |") {
				t.Errorf("%s is not in the table of %s", key, config)
			}
		}
	}
}

func TestImpossibleConfigsNameKeyAndValue(t *testing.T) {
	t.Parallel()
	exe := func(change func(*Exec)) Config {
		e := &Exec{Command: []string{"true", "{{a}}"}}
		change(e)
		return Config{Exec: e}
	}
	web := func(change func(*HTTP)) Config {
		h := &HTTP{URL: "https://example.com/"}
		change(h)
		return Config{HTTP: h}
	}
	command := func(items ...string) Config { return exe(func(e *Exec) { e.Command = items }) }
	for name, c := range map[string]struct {
		cfg  Config
		want []string
	}{
		"nothing":           {Config{}, []string{"handlers.k", "exec or http"}},
		"both":              {Config{Exec: &Exec{}, HTTP: &HTTP{}}, []string{"handlers.k has exec and http"}},
		"no command":        {command(), []string{"exec.command"}},
		"no program":        {command("no-such-program"), []string{"handlers.k.exec.command[0]", `"no-such-program"`}},
		"program by job":    {command("{{a}}"), []string{"exec.command[0]", `"{{a}}"`}},
		"open placeholder":  {command("true", "{{a"), []string{"exec.command[1]", "{{a"}},
		"bad placeholder":   {command("true", "{{a b}}"), []string{"exec.command[1]", "{{a b}}"}},
		"script by job":     {command("sh", "-c", "echo {{a}}"), []string{"exec.command[2]", `"$1"`}},
		"wrapped script":    {command("env", "/bin/bash", "-ec", "{{a}}"), []string{"exec.command[3]", `"$1"`}},
		"NUL":               {command("true", "a\x00"), []string{"exec.command[1]"}},
		"timeout":           {exe(func(e *Exec) { e.Timeout = -1 }), []string{"exec.timeout", "-1ns"}},
		"grace":             {exe(func(e *Exec) { e.Grace = -1 }), []string{"exec.grace", "-1ns"}},
		"output":            {exe(func(e *Exec) { e.MaxOutputBytes = -1 }), []string{"exec.max_output_bytes", "-1"}},
		"stderr":            {exe(func(e *Exec) { e.StderrBytes = -1 }), []string{"exec.stderr_bytes", "-1"}},
		"dir":               {exe(func(e *Exec) { e.Dir = "/no/such" }), []string{"exec.dir", `"/no/such"`}},
		"code":              {exe(func(e *Exec) { e.DiscardCodes = []int{1, 256} }), []string{"exec.discard_codes[1]", "256"}},
		"dash of text":      {exe(func(e *Exec) { e.AllowDash = []int{0} }), []string{"exec.allow_dash[0]", "0"}},
		"dash outside":      {exe(func(e *Exec) { e.AllowDash = []int{2} }), []string{"exec.allow_dash[0]", "2"}},
		"env":               {exe(func(e *Exec) { e.Env = []string{"A=B"} }), []string{"exec.env[0]", `"A=B"`}},
		"set a job's":       {exe(func(e *Exec) { e.Set = map[string]string{"DRAYHORSE_JOB_ID": "x"} }), []string{"exec.set", `"DRAYHORSE_JOB_ID"`}},
		"set NUL":           {exe(func(e *Exec) { e.Set = map[string]string{"A": "\x00"} }), []string{"exec.set.A"}},
		"no url":            {web(func(h *HTTP) { h.URL = "" }), []string{"http.url"}},
		"scheme":            {web(func(h *HTTP) { h.URL = "ftp://x/" }), []string{"http.url", "ftp://x/"}},
		"user":              {web(func(h *HTTP) { h.URL = "http://u:pw@x/" }), []string{"http.url", "u:xxxxx@x", "secret_headers"}},
		"fragment":          {web(func(h *HTTP) { h.URL = "http://x/#a" }), []string{"http.url", "#"}},
		"http timeout":      {web(func(h *HTTP) { h.Timeout = -1 }), []string{"http.timeout", "-1ns"}},
		"redirects":         {web(func(h *HTTP) { h.Redirects = 11 }), []string{"http.redirects", "11"}},
		"response":          {web(func(h *HTTP) { h.MaxResponseBytes = -1 }), []string{"http.max_response_bytes", "-1"}},
		"retry after":       {web(func(h *HTTP) { h.MaxRetryAfter = -1 }), []string{"http.max_retry_after", "-1ns"}},
		"per host":          {web(func(h *HTTP) { h.MaxPerHost = -1 }), []string{"http.max_per_host", "-1"}},
		"header name":       {web(func(h *HTTP) { h.Headers = map[string]string{"a b": ""} }), []string{"http.headers", `"a b"`}},
		"header value":      {web(func(h *HTTP) { h.Headers = map[string]string{"A": "b\nC: d"} }), []string{"http.headers.A"}},
		"header of request": {web(func(h *HTTP) { h.Headers = map[string]string{"host": "x"} }), []string{"http.headers.host"}},
		"header of ours":    {web(func(h *HTTP) { h.Headers = map[string]string{"drayhorse-kind": "x"} }), []string{"http.headers.drayhorse-kind"}},
		"open secret":       {web(func(h *HTTP) { h.Headers = map[string]string{"authorization": "x"} }), []string{"http.headers.authorization", "secret_headers"}},
		"no source":         {web(func(h *HTTP) { h.Secret = &SecretSource{} }), []string{"http.secret.file", "env"}},
		"no variable":       {web(func(h *HTTP) { h.Secret = &SecretSource{Env: "NO_SUCH"} }), []string{"http.secret.env", `"NO_SUCH"`}},
		"no file":           {web(func(h *HTTP) { h.Secret = &SecretSource{File: "/no/such"} }), []string{"http.secret.file", `"/no/such"`}},
		"previous alone":    {web(func(h *HTTP) { h.PreviousSecret = &SecretSource{Env: "A"} }), []string{"http.previous_secret", "without secret"}},
		"previous nowhere":  {web(func(h *HTTP) { h.Secret, h.PreviousSecret = &SecretSource{Env: "PATH"}, &SecretSource{} }), []string{"http.previous_secret.file"}},
		"previous again":    {web(func(h *HTTP) { h.Secret, h.PreviousSecret = &SecretSource{Env: "PATH"}, &SecretSource{Env: "PATH"} }), []string{"http.previous_secret", "the same"}},
		"secret header": {web(func(h *HTTP) { h.SecretHeaders = map[string]SecretSource{"A": {File: "/no/such"}} }),
			[]string{"http.secret_headers.A.file", `"/no/such"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Build(map[string]Config{"k": c.cfg}, Options{})
			if !errors.Is(err, drayhorse.ErrInvalid) {
				t.Fatalf("error is %v; want ErrInvalid", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not contain %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q has more than one line", err)
			}
		})
	}
}
