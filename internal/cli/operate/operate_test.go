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

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/drayhorsetest"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/cli/operate"
	"github.com/drayhorse/drayhorse/internal/embedded/embeddedtest"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// tool is the program on a server of its own.
type tool struct {
	t    *testing.T
	url  string
	jobs *producer.Producer
}

func setup(t *testing.T) *tool {
	t.Helper()
	url := embeddedtest.URL(t)
	p, err := producer.New(producer.Config{RedisURL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return &tool{t: t, url: url, jobs: p}
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
	return p.Run(ctx, cli.Group("drayhorse", "The tool", operate.JobsCommand(), operate.QueuesCommand(), operate.StatsCommand(), operate.MarksCommand(), operate.AuditCommand(), operate.ApplyCommand(), operate.DiffCommand(), operate.LimitsCommand(), operate.ActionsCommand(), operate.FlowsCommand(), operate.PauseCommand(), operate.ResumeCommand(), operate.WorkersCommand()))
}

// says wants a call to succeed and to write this, where "0s" is any time of less than ten
// minutes.
func (o *tool) says(want string, args ...string) {
	o.t.Helper()
	if code, stdout, stderr := o.call(args...); code != 0 || !sameButForAge(stdout, want) || stderr != "" {
		o.t.Errorf("%v: exit %d, %q, %q; want %q", args, code, stdout, stderr, want)
	}
}

var (
	seconds = regexp.MustCompile(`\b\ds( ago)?\n`) // as wide as 0s
	older   = regexp.MustCompile(`\b(\d\ds|\dm)( ago)?\n`)
	spaces  = regexp.MustCompile(` +`)
)

// sameButForAge compares outputs. Jobs that are older than ten seconds have moved the
// columns of their table.
func sameButForAge(got, want string) bool {
	if older.MatchString(got) {
		got, want = older.ReplaceAllString(got, "0s$2\n"), spaces.ReplaceAllString(want, " ")
		got = spaces.ReplaceAllString(got, " ")
	}
	return seconds.ReplaceAllString(got, "0s$1\n") == want
}

func TestAgeIsNoDifference(t *testing.T) {
	t.Parallel()
	for got, same := range map[string]bool{
		"A   SINCE\na   0s ago\n": true, "A   SINCE\na   7s ago\n": true, "A  SINCE\na  0s ago\n": false, "A   SINCE\nb   7s ago\n": false,
		"A    SINCE\na    12s ago\n": true, "A   SINCE\na    3m ago\n": true, "A   SINCE\na   1h ago\n": false,
	} {
		if sameButForAge(got, "A   SINCE\na   0s ago\n") != same {
			t.Errorf("%q: the same: %v, want %v", got, !same, same)
		}
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
	o.says(`QUEUE    SCHEDULED  AVAILABLE  PARKED  RUNNING  RETRYABLE  COMPLETED  CANCELLED  DISCARDED  LATENCY
default          1          1       0        0          0          0          0          0       0s
mail             0          1       0        0          0          0          0          0       0s
`, "queues", "list")
	o.says("cancelled a\ncancelled b\n", "jobs", "cancel", "a", "b")
	o.says("job a has been cancelled already\njob b has been cancelled already\n", "jobs", "cancel", "a", "b")
	o.says("{\n  \"done\": \"cancelled already\",\n  \"id\": \"a\"\n}\n", "jobs", "cancel", "a", "--json")
	o.says("retried a\n", "jobs", "retry", "a")
	o.says("{\n  \"done\": \"deleted\",\n  \"id\": \"a\"\n}\n", "jobs", "delete", "a", "--json")
	if _, stdout, _ := o.call("jobs", "get", "a"); !strings.Contains(stdout, "State      cancelled\nKept       its ID and how it ended") {
		t.Errorf("got %s; want it said that nothing else is known of a job that was deleted", stdout)
	}
	o.says("created queue wide, partitions: 4\n", "queues", "create", "wide", "--partitions", "4")
	o.says("paused queue mail\npaused queue wide\n", "queues", "pause", "mail", "wide")
	o.says("resumed queue wide\n", "queues", "resume", "wide")
	o.says("purged 1 jobs of queue default\n", "queues", "purge", "default", "--state", "cancelled")
	o.says("resynced 0 jobs of queue mail\n", "queues", "resync", "mail")
	if _, stdout, _ := o.call("queues", "list"); !regexp.MustCompile(`(?m)^mail +0 +1 +0 +0 +0 +0 +0 +0 +\d+[sm]  paused\nwide/4  `).MatchString(stdout) {
		t.Errorf("got %s", stdout)
	}
	o.says("set the maximum depth of queue mail to 1\n", "queues", "set", "mail", "--max-depth", "1")
	o.says("set the maximum depth of queue wide to 10\n", "queues", "set", "wide", "--max-depth", "10")
	if _, stdout, _ := o.call("queues", "list"); !regexp.MustCompile(`(?m)^mail .* paused, full: 1 jobs\nwide/4 .* 10 jobs at most`).MatchString(stdout) {
		t.Errorf("got %s", stdout)
	}
	o.says("took the maximum depth of queue mail away\n", "queues", "set", "mail", "--max-depth", "0")
	if code, _, stderr := o.call("queues", "delete", "mail"); code != 1 || !strings.Contains(stderr, "queue mail has 1 live jobs; to delete it with them, give --force") {
		t.Errorf("exit %d, %q; want it said what would delete it", code, stderr)
	}
	o.says("deleted queue wide\ndeleted queue mail with 1 live jobs\n", "queues", "delete", "wide", "mail", "--force")
	o.says("{\n  \"done\": \"deleted\",\n  \"jobs\": 0,\n  \"queue\": \"default\"\n}\n", "queues", "delete", "default", "--force", "--json")
	if code, stdout, stderr := o.call("queues", "list"); code != 0 || stdout != "" || stderr != "no queues\n" {
		t.Errorf("exit %d: %q, %q; want it said that there are no queues", code, stdout, stderr)
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

// TestAJobSaysWhyItWaits: what nobody takes is no riddle.
func TestAJobSaysWhyItWaits(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.enqueue("k", "a", drayhorse.Queue("mail"))
	waits := func(want string) {
		t.Helper()
		code, stdout, _ := o.call("jobs", "get", "a")
		if code != 0 || !strings.Contains(stdout, "Waits      "+want) {
			t.Errorf("exit %d, %s, want that it waits: %s", code, stdout, want)
		}
	}
	waits("no worker runs")
	o.says("paused queue mail\n", "queues", "pause", "mail")
	waits("queue mail is paused")
}

// TestParkedJobsAreSeen: a kind that no worker serves stands in both tables.
func TestParkedJobsAreSeen(t *testing.T) {
	t.Parallel()
	o := setup(t)
	w, err := worker.New(worker.Config{RedisURL: o.url, Concurrency: 5})
	if err != nil {
		t.Fatal(err)
	}
	worker.HandleKind(w, "welcome", func(context.Context, *drayhorse.Job[json.RawMessage]) error { return nil })
	drayhorsetest.Run(t, w)
	o.enqueue("welcom", "a")
	parked := regexp.MustCompile(`(?m)^default +0 +1 +1 +0 `)
	redistest.Eventually(t, soon, "queues list shows it", func() bool {
		_, stdout, _ := o.call("queues", "list")
		return parked.MatchString(stdout)
	})
	const want = "Waits      no worker of queue default has a handler for kind welcom (parked)\n"
	redistest.Eventually(t, soon, "jobs get says why", func() bool { // the worker announces itself every few seconds
		_, stdout, _ := o.call("jobs", "get", "a")
		return strings.Contains(stdout, want)
	})
	var info drayhorse.Info
	_, stdout, _ := o.call("jobs", "get", "a", "--json")
	if err := json.Unmarshal([]byte(stdout), &info); err != nil || !info.Parked || info.ID != "a" {
		t.Errorf("%v, %s; want parked", err, stdout)
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
		"jobs":                               "2 no command is given; want cancel, clone, delete, edit, explain, get, list, logs, retry, signal, tail, wait",
		"jbs list":                           `2 "jbs" is not known; did you mean jobs?`,
		"jobs lst":                           `2 "lst" is not known; did you mean list?`,
		"jobs list --state done":             `2 state "done"; want scheduled, available, running, retryable, completed, cancelled or discarded`,
		"jobs list --limit 0":                `2 --limit 0; want 1 or more`,
		"jobs list --cursor x":               `2 cursor "x"`,
		"jobs list --queue a/b":              `2 "a/b"`,
		"jobs list --queue nowhere":          `1 queue "nowhere"`,
		"jobs get":                           `2 no ID is given`,
		"jobs get a b":                       `2 argument "b"`,
		"jobs get a/b":                       `2 id "a/b"`,
		"jobs get nobody":                    `1 not found: job nobody`,
		"jobs cancel nobody":                 `1 not found: job nobody`,
		"jobs tail --type finished":          `2 type "finished" of events; want one of started, completed`,
		"jobs tail --after yesterday":        `2 event "yesterday"; want the ID of one`,
		"jobs tail --where state:discarded":  `2 filter "state:discarded" of events; want only queue:, kind:, id: and error: in it`,
		"jobs tail --state discarded":        `2 flag --state is not known`,
		"jobs tail --queue a/b":              `2 "a/b"`,
		"jobs tail --queue nowhere":          `1 queue "nowhere"`,
		"jobs tail default":                  `2 argument "default"`,
		"limits set l":                       `2 no --queue is given`,
		"limits set l --queue q":             `2 limit l: it limits nothing; want Concurrency, Rate, Breaker or several of them`,
		"limits set l --queue q --rate fast": `2 rate "fast"; want jobs per time, as in 100/1m`,
		"limits set l --queue q --concurrency 1 --burst 3": `2 --burst without --rate`,
		"limits set l --queue q --probes 3":                `2 --breaker-min, --breaker-window, --cool-down or --probes without --breaker`,
		"limits set l --queue q --breaker 50":              `2 limit l: Breaker.Rate 50; want 0.001 to 1, as 0.5 for half of the jobs`,
		"limits remove l":                                  `1 not found: limit "l"`,
		"workers":                                          `2 no command is given; want list, show`,
		"workers show":                                     `2 no ID is given`,
		"workers show nobody":                              `1 not found: worker nobody`,
		"workers list --all":                               `2 flag --all is not known`,
		"queues pause":                                     `2 no NAME is given`,
		"queues pause nowhere":                             `1 queue "nowhere"`,
		"queues create default --partitions 2":             `2 queue "default" has 1, which is fixed`,
		"queues create x --partitions 0":                   `2 0 partitions; want 1 to`,
		"queues set default":                               `2 nothing is given to set; want --max-depth N`,
		"queues set default --max-depth -1":                `2 --max-depth -1; want 1 to 1000000000, or 0 for any number`,
		"queues set default --max-depth many":              `2 "many"`,
		"queues set nowhere --max-depth 1":                 `1 queue "nowhere"`,
		"queues delete default":                            `1 queue default has 1 live jobs`,
		"queues delete nowhere --force":                    `1 queue "nowhere"`,
		"queues delete a/b":                                `2 "a/b"`,
		"queues delete":                                    `2 no NAME is given`,
		"queues purge default":                             `2 no --state is given`,
		"queues purge default --state running":             `2 state "running"`,
		"queues purge default --state x":                   `2 state "x"`,
	} {
		code, stdout, stderr := o.call(strings.Fields(call)...)
		wantCode, text, _ := strings.Cut(want, " ")
		if fmt.Sprint(code) != wantCode || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, text) {
			t.Errorf("%q: exit %d, %q, %q; want %s", call, code, stdout, stderr, want)
		}
	}
}
