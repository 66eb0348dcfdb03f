package handlers

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

func TestHostileValuesStayInTheirItem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, value := range []string{
		"plain", "", " ", "a b", "'", `"`, `\`, "`touch pwned`", "$(touch pwned)", "; touch pwned", "| touch pwned", "& touch pwned",
		"a\nb", "\ntouch pwned\n", "\r\n", "*", "~", "$HOME", "${IFS}", "{{a}}", "{{v}}", "%s%n", "\x1b[2J", "\u202e", "é", "-", "--", "-rf", "--help",
		"x --flag", strings.Repeat("x", 100_000), strings.Repeat("'\"$(id)\n", 10_000),
	} {
		cfg := act("argv", "before", "{{v}}", "of={{v}}", "./{{v}}", "after")
		cfg.Dir = dir
		dashes := *cfg
		dashes.AllowDash = []int{2}
		args, err := json.Marshal(map[string]string{"v": value})
		if err != nil {
			t.Fatal(err)
		}
		job := newJob(string(args))
		if err := buildOne(t, Config{Exec: &dashes}, Options{})(t.Context(), job.Job); err != nil {
			t.Fatalf("%.50q: %v", value, err)
		}
		var got []string
		if err := json.Unmarshal([]byte(job.text(t)), &got); err != nil {
			t.Fatal(err)
		}
		if want := []string{"before", value, "of=" + value, "./" + value, "after"}; !slices.Equal(got, want) {
			t.Errorf("argv is %.200q; want %.200q", got, want)
		}
		err = buildOne(t, Config{Exec: cfg}, Options{})(t.Context(), newJob(string(args)).Job)
		want := drayhorse.Completed
		if strings.HasPrefix(value, "-") {
			want = drayhorse.Discarded
		}
		if got := destination(err); got != want {
			t.Errorf("%.50q without allow_dash: %s (%v); want %s", value, got, err, want)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("a value was run: %v, %v", entries, err)
	}
}

func TestArgumentsThatDoNotFitDiscard(t *testing.T) {
	t.Parallel()
	run := buildOne(t, Config{Exec: act("argv", "{{v}}")}, Options{})
	for _, args := range []string{"", "null", "[]", `"v"`, "{}", `{"v":null}`, `{"v":[]}`, `{"v":{}}`, `{"V":1}`, `{"v":"a\u0000b"}`,
		`{"v":"` + strings.Repeat("x", 200_000) + `"}`} {
		job := newJob(args)
		if err := run(t.Context(), job.Job); destination(err) != drayhorse.Discarded {
			t.Errorf("%.50s: %v; want it discarded", args, err)
		} else if len(err.Error()) > 300 {
			t.Errorf("message of %d bytes", len(err.Error()))
		}
	}
}

func TestEnvironmentIsClean(t *testing.T) {
	t.Parallel()
	cfg := act("env")
	cfg.Env = []string{"PASSED", "UNSET", "SHADOWED"}
	cfg.Set["SHADOWED"] = "own"
	outer := map[string]string{"PASSED": "1", "SHADOWED": "outer", "PASSWORD": "hidden"}
	run := buildOne(t, Config{Exec: cfg}, Options{LookupEnv: func(name string) (string, bool) {
		value, ok := outer[name]
		return value, ok
	}})
	job := newJob("{}")
	job.Tick = time.Unix(0, 0)
	if err := run(t.Context(), job.Job); err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := json.Unmarshal([]byte(job.text(t)), &got); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"DRAYHORSE_JOB_ATTEMPT=3", "DRAYHORSE_JOB_ID=job-1", "DRAYHORSE_JOB_KIND=k", "DRAYHORSE_JOB_MAX_ATTEMPTS=25",
		"DRAYHORSE_JOB_QUEUE=q", "DRAYHORSE_JOB_TICK=1970-01-01T00:00:00Z", actVariable + "=env", "PASSED=1", "SHADOWED=own",
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("environment is\n%q; want\n%q", got, want)
	}
}

func TestOutputIsTheResult(t *testing.T) {
	t.Parallel()
	stdin := act("stdin")
	stdin.Stdin = true
	for name, c := range map[string]struct {
		cfg        *Exec
		args, want string
	}{
		"kept as it is":     {&Exec{Command: []string{"echo", "{{v}}"}}, `{"v":" a "}`, " a \n"},
		"nothing":           {&Exec{Command: []string{"true"}}, `{}`, ""},
		"arguments on it":   {stdin, `{"v": 12345678901234567890}`, `{"v": 12345678901234567890}`},
		"large arguments":   {stdin, `"` + strings.Repeat("x", 300_000) + `"`, `"` + strings.Repeat("x", 300_000) + `"`},
		"no stdin":          {act("stdin"), `{}`, ""},
		"bytes not of text": {act("raw"), `{}`, "a\uFFFDb\n"},
		"stdin unread":      {&Exec{Command: []string{"true"}, Stdin: true}, `"` + strings.Repeat("x", 300_000) + `"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			job := newJob(c.args)
			if err := buildOne(t, Config{Exec: c.cfg}, Options{})(t.Context(), job.Job); err != nil {
				t.Fatal(err)
			}
			if got := job.text(t); got != c.want {
				t.Errorf("result is %.100q; want %.100q", got, c.want)
			}
		})
	}
}

func TestExitCodesDecide(t *testing.T) {
	t.Parallel()
	cfg := act("exit", "{{code}}", "{{message}}")
	cfg.DiscardCodes = []int{65}
	cfg.StderrBytes = 8
	run := buildOne(t, Config{Exec: cfg}, Options{})
	for args, want := range map[string]struct {
		to      drayhorse.State
		message string
	}{
		`{"code":0,"message":"fine"}`:         {drayhorse.Completed, ""},
		`{"code":1,"message":"broken"}`:       {drayhorse.Retryable, "exit status 1: broken"},
		`{"code":65,"message":"bad"}`:         {drayhorse.Discarded, "exit status 65: bad"},
		`{"code":2,"message":"0123456789ab"}`: {drayhorse.Retryable, "exit status 2: ...56789ab"},
		`{"code":3,"message":""}`:             {drayhorse.Retryable, "exit status 3"},
	} {
		job := newJob(args)
		err := run(t.Context(), job.Job)
		if got := destination(err); got != want.to {
			t.Errorf("%s: %s (%v); want %s", args, got, err, want.to)
		}
		if err != nil && (!strings.HasSuffix(err.Error(), want.message) || job.result != nil) {
			t.Errorf("%s: error %q, result %s; want the end of it %q", args, err, job.result, want.message)
		}
	}
}

func TestOutputOverTheLimitEndsTheCommand(t *testing.T) {
	t.Parallel()
	cfg := act("flood")
	cfg.MaxOutputBytes = 100_000
	job := newJob("{}")
	err := buildOne(t, Config{Exec: cfg}, Options{})(t.Context(), job.Job)
	if destination(err) != drayhorse.Retryable || !strings.Contains(err.Error(), "100000 bytes (max_output_bytes)") || job.result != nil {
		t.Errorf("error %v, result of %d bytes; want the limit named and no result", err, len(job.result))
	}
	exact := &Exec{Command: []string{"printf", "12345"}, MaxOutputBytes: 5}
	if err := buildOne(t, Config{Exec: exact}, Options{})(t.Context(), newJob("{}").Job); err != nil {
		t.Errorf("output of exactly the limit: %v", err)
	}
	exact.MaxOutputBytes = 4
	if err := buildOne(t, Config{Exec: exact}, Options{})(t.Context(), newJob("{}").Job); !errors.Is(err, errOutput) {
		t.Errorf("one byte over the limit: %v", err)
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	end := &tail{limit: 10}
	for _, step := range []struct{ text, want string }{
		{"0123456789", "0123456789"},
		{"abc", "...3456789abc"},
		{"", "...3456789abc"},
		{"defghijklmnop", "...ghijklmnop"},
		{"\xff\x00\n", "...jklmnop\uFFFD\uFFFD"},
	} {
		_, _ = io.WriteString(end, step.text)
		if got := end.String(); got != step.want {
			t.Errorf("after %q the tail is %q; want %q", step.text, got, step.want)
		}
	}
}
