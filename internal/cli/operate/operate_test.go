package operate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/cli/operate"
	"github.com/drayhorse/drayhorse/internal/embedded"
	"github.com/drayhorse/drayhorse/producer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tool is the program on a server of its own.
type tool struct {
	t    *testing.T
	url  string
	jobs *producer.Producer
}

func setup(t *testing.T) *tool {
	t.Helper()
	server, err := embedded.Start("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	p, err := producer.New(producer.Config{RedisURL: server.URL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return &tool{t: t, url: server.URL(), jobs: p}
}

func (o *tool) enqueue(kind, id string, options ...drayhorse.Option) {
	o.t.Helper()
	if _, err := o.jobs.EnqueueRaw(o.t.Context(), kind, json.RawMessage(`{"x":"<&>"}`), append(options, drayhorse.ID(id))...); err != nil {
		o.t.Fatal(err)
	}
}

func (o *tool) call(args ...string) (code int, stdout, stderr string) {
	o.t.Helper()
	var out, err bytes.Buffer
	code = o.run(o.t.Context(), &out, &err, args...)
	return code, out.String(), err.String()
}

// run runs the program until it has ended.
func (o *tool) run(ctx context.Context, out, err io.Writer, args ...string) int {
	p := cli.Process{
		Args: append(args, "--redis", o.url), Stdin: strings.NewReader(""), Stdout: out, Stderr: err,
		LookupEnv: func(string) (string, bool) { return "", false },
	}
	return p.Run(ctx, cli.Group("drayhorse", "The tool", operate.JobsCommand(), operate.QueuesCommand(), operate.WorkersCommand()))
}

// says wants a call to succeed and to write this.
func (o *tool) says(want string, args ...string) {
	o.t.Helper()
	if code, stdout, stderr := o.call(args...); code != 0 || stdout != want || stderr != "" {
		o.t.Errorf("%v: exit %d, %q, %q; want %q", args, code, stdout, stderr, want)
	}
}

func TestVerbs(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.enqueue("k", "a")
	o.enqueue("k", "b", drayhorse.In(90*time.Minute+5*time.Second), drayhorse.MaxAttempts(3))
	o.enqueue("other", "c", drayhorse.Queue("mail"))
	o.says(`ID  KIND   QUEUE    STATE      ATTEMPT  SINCE   LAST ERROR
b   k      default  scheduled      1/3  in 1h
a   k      default  available     1/25  0s ago
c   other  mail     available     1/25  0s ago
`, "jobs", "list")
	o.says("ID  KIND   QUEUE  STATE      ATTEMPT  SINCE   LAST ERROR\nc   other  mail   available     1/25  0s ago\n", "jobs", "list", "--kind", "other")
	o.says(`QUEUE    SCHEDULED  AVAILABLE  RUNNING  RETRYABLE  COMPLETED  CANCELLED  DISCARDED  LATENCY
default          1          1        0          0          0          0          0       0s
mail             0          1        0          0          0          0          0       0s
`, "queues", "list")
	o.says("cancelled a\ncancelled b\n", "jobs", "cancel", "a", "b")
	o.says("retried a\n", "jobs", "retry", "a")
	o.says("{\n  \"done\": \"deleted\",\n  \"id\": \"a\"\n}\n", "jobs", "delete", "a", "--json")
	o.says("created queue wide, partitions: 4\n", "queues", "create", "wide", "--partitions", "4")
	o.says("paused queue mail\npaused queue wide\n", "queues", "pause", "mail", "wide")
	o.says("resumed queue wide\n", "queues", "resume", "wide")
	o.says("purged 1 jobs of queue default\n", "queues", "purge", "default", "--state", "cancelled")
	o.says("resynced 0 jobs of queue mail\n", "queues", "resync", "mail")
	if _, stdout, _ := o.call("queues", "list"); !regexp.MustCompile(`(?m)^mail +0 +1 +0 +0 +0 +0 +0 +\d+s  paused\nwide/4  `).MatchString(stdout) {
		t.Errorf("got %s", stdout)
	}
}

func TestAJobIsShownWithAllThatIsKnown(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.enqueue("k", "b", drayhorse.Queue("mail"), drayhorse.In(time.Hour))
	o.says("cancelled b\n", "jobs", "cancel", "b")
	code, stdout, _ := o.call("jobs", "get", "b")
	for _, want := range []string{"ID         b\n", "State      cancelled\n", "Attempt    1 of 25\n", "Finished   2", `Args       {"x":"<&>"}` + "\n"} {
		if code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("exit %d, no %q in %s", code, want, stdout)
		}
	}
	var info drayhorse.Info
	code, stdout, _ = o.call("jobs", "get", "b", "--json", "--queue", "mail")
	if err := json.Unmarshal([]byte(stdout), &info); err != nil || code != 0 || info.State != drayhorse.Cancelled {
		t.Errorf("exit %d, %s, %v", code, stdout, err)
	}
}

func TestListsGoOnAtTheirCursor(t *testing.T) {
	t.Parallel()
	o := setup(t)
	for i := range 5 {
		o.enqueue("k", fmt.Sprint("job-", i))
	}
	var got []string
	cursor := ""
	for range 3 {
		_, stdout, _ := o.call("jobs", "list", "--json", "--limit", "2", "--cursor", cursor)
		var page admin.Page
		if err := json.Unmarshal([]byte(stdout), &page); err != nil {
			t.Fatal(err)
		}
		for _, j := range page.Jobs {
			got = append(got, j.ID)
		}
		cursor = page.Next
	}
	if fmt.Sprint(got) != "[job-0 job-1 job-2 job-3 job-4]" || cursor != "" {
		t.Errorf("got %v and cursor %q", got, cursor)
	}
	if _, _, stderr := o.call("jobs", "list", "--limit", "2"); !strings.HasPrefix(stderr, "there are more: --cursor ") {
		t.Errorf("got %q", stderr)
	}
}

func TestWrongVerbs(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.enqueue("k", "a")
	for call, want := range map[string]string{
		"jobs":                                 "2 no command is given; want cancel, delete, get, list, retry, tail",
		"jbs list":                             `2 "jbs" is not known; did you mean jobs?`,
		"jobs lst":                             `2 "lst" is not known; did you mean list?`,
		"jobs list --state done":               `2 state "done"; want one of`,
		"jobs list --limit 0":                  `2 --limit 0; want 1 or more`,
		"jobs list --cursor x":                 `2 cursor "x"`,
		"jobs list --queue a/b":                `2 "a/b"`,
		"jobs list --queue nowhere":            `1 queue "nowhere"`,
		"jobs get":                             `2 no ID is given`,
		"jobs get a b":                         `2 argument "b"`,
		"jobs get a/b":                         `2 id "a/b"`,
		"jobs get nobody":                      `1 not found: job nobody`,
		"jobs cancel nobody":                   `1 not found: job nobody`,
		"jobs tail --state available":          `2 state "available"; want one of [completed cancelled discarded]`,
		"jobs tail --queue a/b":                `2 "a/b"`,
		"jobs tail --queue nowhere":            `1 queue "nowhere"`,
		"jobs tail default":                    `2 argument "default"`,
		"workers":                              `2 no command is given; want list, show`,
		"workers show":                         `2 no ID is given`,
		"workers show nobody":                  `1 not found: worker nobody`,
		"workers list --all":                   `2 flag --all is not known`,
		"queues pause":                         `2 no NAME is given`,
		"queues pause nowhere":                 `1 queue "nowhere"`,
		"queues create default --partitions 2": `2 queue "default" has 1, which is fixed`,
		"queues create x --partitions 0":       `2 0 partitions; want 1 to`,
		"queues purge default":                 `2 no --state is given`,
		"queues purge default --state running": `2 state "running"`,
		"queues purge default --state x":       `2 state "x"`,
	} {
		code, stdout, stderr := o.call(strings.Fields(call)...)
		wantCode, text, _ := strings.Cut(want, " ")
		if fmt.Sprint(code) != wantCode || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, text) {
			t.Errorf("%q: exit %d, %q, %q; want %s", call, code, stdout, stderr, want)
		}
	}
}
