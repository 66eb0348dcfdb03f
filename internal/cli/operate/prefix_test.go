package operate_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/logtest"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestTheBeginningOfAnIDStandsForIt(t *testing.T) {
	t.Parallel()
	o := setup(t)
	later := drayhorse.In(time.Hour)
	o.enqueue("mail", "import-2030-01-a", later)
	o.enqueue("mail", "import-2030-02-a", later, drayhorse.Queue("bulk"))
	o.enqueue("mail", "import-2030-02-b", later)
	o.enqueue("mail", "import-2", later) // the whole ID of one, and the beginning of others

	code, out, stderr := o.call("jobs", "get", "import-2030-01", "--json")
	var info drayhorse.Info
	if err := json.Unmarshal([]byte(out), &info); code != 0 || err != nil || info.ID != "import-2030-01-a" {
		t.Errorf("get: exit %d, %v: %s %s", code, err, out, stderr)
	}
	o.says("import-2\n", "jobs", "get", "import-2", "-q")

	code, out, stderr = o.call("jobs", "cancel", "import-2030-02")
	if code != cli.ExitUsage || out != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "want more of the ID") ||
		!strings.Contains(stderr, "import-2030-02-a (mail, scheduled in bulk)") || !strings.Contains(stderr, "import-2030-02-b (mail, scheduled in default)") {
		t.Errorf("several: exit %d: %s %s", code, out, stderr)
	}
	o.says("cancelled import-2030-02-a\n", "jobs", "cancel", "import-2030-02", "--queue", "bulk")

	for _, id := range []string{"import", "import-9999"} { // too little, and none
		if code, out, stderr := o.call("jobs", "delete", id); code != cli.ExitFailed || out != "" || !strings.Contains(stderr, "not found") {
			t.Errorf("%s: exit %d: %s %s", id, code, out, stderr)
		}
	}
	o.says("deleted import-2030-02-b\n", "jobs", "delete", "import-2030-02-b")
	o.says("", "jobs", "delete", "import-2030-01", "-q")
	if code, _, stderr := o.call("jobs", "get", "import-2030-01"); code != cli.ExitFailed || !strings.Contains(stderr, "not found") {
		t.Errorf("after its delete: exit %d: %s", code, stderr)
	}
}

func TestListsTakeTheUsualFlags(t *testing.T) {
	t.Parallel()
	o := setup(t)
	for _, id := range []string{"job-a", "job-b", "job-c"} {
		o.enqueue("mail", id, drayhorse.In(time.Hour), drayhorse.Queue("q-"+id))
	}
	o.says("job-a\njob-b\n", "jobs", "list", "-q", "-n", "2")
	o.says("q-job-a\nq-job-b\nq-job-c\n", "queues", "list", "-q")
	o.says("q-job-a\nq-job-b\nq-job-c\n", "queues", "list", "-o", "name", "-n", "0")
	var queues []admin.Queue
	code, out, stderr := o.call("queues", "list", "-o", "json", "-n", "1")
	if err := json.Unmarshal([]byte(out), &queues); code != 0 || err != nil || len(queues) != 1 || !strings.Contains(stderr, "2 more") {
		t.Errorf("exit %d, %v: %s %s", code, err, out, stderr)
	}
	o.says("", "queues", "pause", "q-job-a", "--quiet")
	for _, verb := range []string{"jobs", "queues", "workers", "limits"} {
		if code, _, stderr := o.call(verb, "list", "-q", "-n", "1", "-o", "wide"); code != 0 {
			t.Errorf("%s list: exit %d: %s", verb, code, stderr)
		}
	}
}

// TestAListIsWatched: it is shown again with what is new, until a signal.
func TestAListIsWatched(t *testing.T) {
	t.Parallel()
	o := setup(t)
	o.enqueue("mail", "first", drayhorse.In(time.Hour))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out, complaints logtest.Buffer
	done := make(chan int, 1)
	go func() { done <- o.run(ctx, &out, &complaints, "jobs", "list", "-w", "-q") }()
	shows := func(id string) {
		redistest.Eventually(t, time.Minute, id+" is shown", func() bool { return strings.Contains(out.String(), id+"\n") })
	}
	shows("first")
	o.enqueue("mail", "second", drayhorse.In(time.Hour))
	shows("second")
	cancel()
	if code := <-done; code != 0 || complaints.String() != "" || strings.Count(out.String(), "first\n") < 2 {
		t.Errorf("exit %d: %q %q", code, out.String(), complaints.String())
	}
}
