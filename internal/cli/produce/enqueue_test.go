package produce

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/worker"
)

func TestEnqueueTakesAllOptions(t *testing.T) {
	t.Parallel()
	s := setup(t)
	code, stdout, stderr := s.run(`{"user_id": 9007199254740993}`, "enqueue", "--kind", "welcome", "--args", "-", "--queue", "mail",
		"--in", "10m", "--id", "welcome-42@x", "--max-attempts", "5", "--timeout", "30s", "--retain", "24h", "--priority", "urgent", "--group", "tenant-42", "--tag", "import", "--tag", "eu")
	if code != 0 || stdout != "welcome-42@x\n" || stderr != "" {
		t.Fatalf("exit %d, %q, %q", code, stdout, stderr)
	}
	info := s.get("welcome-42@x")
	if info.Queue != "mail" || info.State != drayhorse.Scheduled || info.MaxAttempts != 5 || info.Priority != drayhorse.Urgent || info.Group != "tenant-42" || !slices.Equal(info.Tags, []string{"import", "eu"}) || string(info.Args) != `{"user_id": 9007199254740993}` {
		t.Errorf("got %+v", info)
	}
	if left := time.Until(info.DueAt); left < 9*time.Minute || left > 10*time.Minute {
		t.Errorf("due in %v; want 10m", left)
	}
	code, stdout, _ = s.run("", "enqueue", "--kind", "welcome", "--id", "welcome-42@x", "--queue", "mail", "--json")
	var again drayhorse.Info
	if err := json.Unmarshal([]byte(stdout), &again); err != nil || code != 0 || !again.Duplicate || again.MaxAttempts != 5 {
		t.Errorf("exit %d, %s, %v; want the job that is there", code, stdout, err)
	}
}

func TestUniqueByFlag(t *testing.T) {
	t.Parallel()
	s := setup(t)
	enqueue := func(kind string, more ...string) string {
		t.Helper()
		code, stdout, stderr := s.run("", append([]string{"enqueue", "--kind", kind}, more...)...)
		if code != 0 {
			t.Fatalf("exit %d, %s", code, stderr)
		}
		return stdout
	}
	first := enqueue("a", "--unique", "--args", `{"x":1,"y":2}`)
	if same := enqueue("a", "--unique", "--args", `{"y":2, "x":1}`); same != first {
		t.Errorf("the same arguments made %s beside %s", same, first)
	}
	keyed := enqueue("a", "--unique=user-42", "--args", `{"x":1,"y":2}`)
	if same := enqueue("b", "--unique=user-42"); same != keyed || keyed == first {
		t.Errorf("the same key made %s beside %s; by arguments it was %s", same, keyed, first)
	}
}

func TestWaitFollowsTheJobToItsEnd(t *testing.T) {
	t.Parallel()
	s := setup(t)
	w, err := worker.New(worker.Config{RedisURL: s.url, Namespace: s.namespace, Concurrency: 2})
	if err != nil {
		t.Fatal(err)
	}
	worker.HandleKind(w, "good", func(_ context.Context, job *drayhorse.Job[json.RawMessage]) error { return job.SetResult("done") })
	worker.HandleKind(w, "bad", func(context.Context, *drayhorse.Job[json.RawMessage]) error {
		return drayhorse.Discard(errors.New("no such user\x1b[2J\u202e\nreally"))
	})
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- w.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	}()
	code, stdout, _ := s.run("", "enqueue", "--kind", "good", "--wait", "--json")
	var info drayhorse.Info
	if err := json.Unmarshal([]byte(stdout), &info); err != nil || code != 0 || info.State != drayhorse.Completed || string(info.Result) != `"done"` {
		t.Errorf("exit %d, %s, %v; want it completed with its result", code, stdout, err)
	}
	code, stdout, stderr := s.run("", "enqueue", "--kind", "bad", "--id", "b", "--wait")
	if code != 1 || stdout != "b\n" || stderr != "producer enqueue: job b was discarded in attempt 1: no such user\\x1b[2J\\u202e; really\n" {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
}

// stopper ends the wait for a job that goes on.
type stopper struct{ stop context.CancelCauseFunc }

func (s stopper) Wait(ctx context.Context, _ string, _ ...drayhorse.Option) (*drayhorse.Info, error) {
	s.stop(errors.New("interrupted"))
	<-ctx.Done()
	return nil, ctx.Err()
}

func (s stopper) Get(context.Context, string, ...drayhorse.Option) (*drayhorse.Info, error) {
	return &drayhorse.Info{State: drayhorse.Running}, nil
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancelCause(t.Context())
	_, err := follow(ctx, stopper{stop}, &drayhorse.Info{ID: "x", Queue: "q"}, nil)
	if err == nil || err.Error() != "interrupted; job x goes on" {
		t.Errorf("got %v", err)
	}
}

// away is a Redis that comes back after some calls.
type away struct{ calls int }

func (a *away) Get(context.Context, string, ...drayhorse.Option) (*drayhorse.Info, error) {
	return nil, drayhorse.ErrUnavailable
}

func (a *away) Wait(context.Context, string, ...drayhorse.Option) (*drayhorse.Info, error) {
	if a.calls--; a.calls > 0 {
		return nil, drayhorse.ErrUnavailable
	}
	return &drayhorse.Info{State: drayhorse.Completed}, nil
}

func TestWaitOutlastsAnOutage(t *testing.T) {
	t.Parallel()
	info, err := follow(t.Context(), &away{calls: 4}, &drayhorse.Info{ID: "x", Queue: "q"}, func(context.Context, *drayhorse.Info) {})
	if err != nil || info.State != drayhorse.Completed {
		t.Errorf("got %+v, %v", info, err)
	}
}

// TestWaitSaysThatNobodyServes: whoever waits for a job that no worker takes learns why.
func TestWaitSaysThatNobodyServes(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx, stop := context.WithCancelCause(t.Context())
	said, stderr := io.Pipe()
	p := cli.Process{
		Args:  []string{"enqueue", "--kind", "nobody", "--wait", "--redis", s.url, "--namespace", s.namespace},
		Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: stderr,
		LookupEnv: func(string) (string, bool) { return "", false },
	}
	ended := make(chan int, 1)
	go func() {
		ended <- p.Run(ctx, Command())
		_ = stderr.Close()
	}()
	lines := bufio.NewScanner(said)
	if lines.Scan(); lines.Text() != "waiting: no worker runs" {
		t.Errorf("it said %q", lines.Text())
	}
	stop(errors.New("seen enough"))
	if lines.Scan(); !strings.HasPrefix(lines.Text(), "producer enqueue: seen enough; job ") {
		t.Errorf("then it said %q", lines.Text())
	}
	if code := <-ended; code != 1 {
		t.Errorf("exit %d, want 1", code)
	}
}

func TestWrongEnqueues(t *testing.T) {
	t.Parallel()
	for call, want := range map[string]string{
		"enqueue":                                            `no --kind is given`,
		"enqueue --kind=":                                    `kind ""`,
		"enqueue --kind a/b":                                 `kind "a/b"`,
		"enqueue --kind k --queue a,b":                       `"a,b"`,
		"enqueue --kind k --args {":                          `not JSON`,
		"enqueue --kind k --args \xff\"":                     `UTF-8`,
		"enqueue --kind k --in -5m":                          `In(-5m0s)`,
		"enqueue --kind k --in 5":                            `--in "5"; want a duration`,
		"enqueue --kind k --at 2030-01-01":                   `--at "2030-01-01"; want a time such as`,
		"enqueue --kind k --in 5m --at 2030-01-01T00:00:00Z": `together`,
		"enqueue --kind k --id=":                             `id ""`,
		"enqueue --kind k --id a/b":                          `id "a/b"`,
		"enqueue --kind k --max-attempts 0":                  `MaxAttempts(0)`,
		"enqueue --kind k --max-attempts many":               `--max-attempts "many"; want a whole number`,
		"enqueue --kind k --timeout 0":                       `Timeout(0s)`,
		"enqueue --kind k --retain -1s":                      `Retain(-1s)`,
		"enqueue --kind k --start-within 0s":                 `StartWithin(0s)`,
		"enqueue --kind k --priority highest":                `priority "highest"; want low, normal, high, urgent`,
		"enqueue --kind k --group a/b":                       `group "a/b"; want 1-128 of letters`,
		"enqueue --kind k --tag a,b":                         `tag "a,b"; want 1-128 of letters`,
		"enqueue --kind k {}":                                `argument "{}"`,
		"enqueue --kind k --redis http://h":                  `"http://h"`,
		"enqueue --kind k --redis redis://h/x":               `"x"`,
		"enqueue --kind k --namespace a/b":                   `namespace "a/b"`,
		"enqueue --kind k --config /":                        `"/" is a directory`,
		"enqueue --kind k --config /nope.yaml":               `"/nope.yaml"`,
		"enqueue --knd k":                                    `--knd is not known; did you mean --kind?`,
		"enqeue --kind k":                                    `"enqeue" is not known; did you mean enqueue?`,
		"import":                                             `no FILE|- is given`,
		"import /":                                           `"/" is a directory`,
		"import /nope.ndjson":                                `"/nope.ndjson": no such file`,
		"import - more":                                      `argument "more"`,
		"import - --rejects /":                               `--rejects "/"`,
		"import - --dryrun":                                  `--dryrun is not known; did you mean --dry-run?`,
	} {
		code, stdout, stderr := run(t.Context(), "", strings.Fields(call)...)
		if code != 2 || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%q: exit %d, %q, %q; want 2 and one line with %q", call, code, stdout, stderr, want)
		}
	}
	if code, _, stderr := run(t.Context(), strings.Repeat(" ", drayhorse.DefaultMaxArgs)+"1", "enqueue", "--kind", "k", "--args", "-"); code != 2 || !strings.Contains(stderr, "too large") {
		t.Errorf("long arguments: exit %d, %q", code, stderr)
	}
	if code, _, stderr := run(t.Context(), "", "enqueue", "--kind", "k", "--redis", "redis://127.0.0.1:1"); code != 1 || strings.Count(stderr, "\n") != 1 {
		t.Errorf("no server: exit %d, %q", code, stderr)
	}
}
