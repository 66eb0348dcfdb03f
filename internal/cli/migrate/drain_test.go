package migrate

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/asynqtask"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func (i *installation) wantDrained(more ...string) (stdout string) {
	i.Helper()
	code, stdout, stderr := i.drain(more...)
	if code != cli.ExitOK {
		i.Fatalf("drain ends with %d: %s", code, stderr)
	}
	return stdout
}

func TestDryRunChangesNothing(t *testing.T) {
	i := install(t)
	i.enqueue(asynq.NewTask("a", nil))
	i.enqueue(asynq.NewTask("a", nil), asynq.ProcessIn(time.Hour), asynq.Queue("mail"))
	i.enqueue(asynq.NewTask("a", nil), asynq.Group("g"), asynq.Queue("mail"))
	want := strings.TrimLeft(`
QUEUE    STATE        TASKS  BECOME
default  pending          1  available
mail     aggregating      1  stay in asynq
mail     scheduled        1  scheduled
`, "\n")
	if got := i.wantDrained("--dry-run"); got != want {
		t.Errorf("stdout:\n%swant:\n%s", got, want)
	}
	info, err := i.inspector.GetQueueInfo("default")
	i.must(err)
	keys, err := i.redis.Client(t).Keys(t.Context(), "drayhorse*").Result()
	i.must(err)
	if info.Pending != 1 || info.Paused || len(keys) > 0 {
		t.Errorf("asynq has %+v, Drayhorse %v: something has changed", info, keys)
	}
}

func TestDrainOfOneQueueLeavesTheOthers(t *testing.T) {
	i := install(t)
	i.enqueue(asynq.NewTask("a", nil))
	mail := i.enqueue(asynq.NewTask("a", nil), asynq.Queue("mail"))
	var report struct {
		Tasks []row  `json:"tasks"`
		Kept  []kept `json:"not_moved"`
	}
	i.must(json.Unmarshal([]byte(i.wantDrained("--queue", "mail", "--json")), &report))
	if len(report.Tasks) != 1 || report.Tasks[0] != (row{"mail", "", "pending", drayhorse.Available, 1, 1, 0, 0}) || report.Kept == nil {
		t.Errorf("report = %+v", report)
	}
	if n, _ := i.counts(); n != 1 {
		t.Errorf("asynq has %d tasks, want that of the other queue", n)
	}
	i.get("mail", mail.ID)
	if info, _ := i.inspector.GetQueueInfo("default"); info.Paused {
		t.Error("the other queue is paused")
	}
}

// TestForeignNamesOfQueues: asynq takes any; what has one that is none here is left alone
// and named, until it is given another.
func TestForeignNamesOfQueues(t *testing.T) {
	i := install(t)
	i.enqueue(asynq.NewTask("a", nil))
	for _, queue := range []string{"mail out", "größer", "a=b"} {
		i.enqueue(asynq.NewTask("a", nil), asynq.Queue(queue))
	}
	code, _, stderr := i.drain("--rename", "größer=larger")
	if code != cli.ExitFailed || !strings.Contains(stderr, `not moved: queue "mail out": names here have letters, digits and _ . : -; give it one with --rename "mail out=NEW"`) ||
		!strings.Contains(stderr, `queue "a=b"`) || strings.Contains(stderr, "größer") {
		t.Errorf("code %d, stderr %s; want two queues named", code, stderr)
	}
	if n, _ := i.counts(); n != 2 {
		t.Errorf("asynq has %d tasks, want those of two queues", n)
	}
	if info, _ := i.inspector.GetQueueInfo("mail out"); info.Paused {
		t.Error("a queue that is not moved is paused")
	}
	out := i.wantDrained("--rename", "mail out=mail", "--rename", "a=b=default")
	if !strings.Contains(out, "mail out -> mail") {
		t.Errorf("stdout = %s, want both names", out)
	}
	for queue, want := range map[string]int{"default": 2, "larger": 1, "mail": 1} {
		parts, err := i.engine.Queue(t.Context(), queue)
		i.must(err)
		s, err := i.engine.Summaries(t.Context(), parts...)
		i.must(err)
		if n := s[0].Available; n != want {
			t.Errorf("queue %s has %d jobs, want %d", queue, n, want)
		}
	}
	for _, wrong := range []struct{ args, want string }{
		{"mail", "OLD=NEW"}, {"=mail", "OLD=NEW"}, {"mail=a b", "OLD=NEW"}, {"nobody=mail", `queue "nobody" of asynq`},
	} {
		if code, _, stderr := i.drain("--rename", wrong.args); code == cli.ExitOK || !strings.Contains(stderr, wrong.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("--rename %q: code %d, %s; want one line with %q", wrong.args, code, stderr, wrong.want)
		}
	}
	if code, _, stderr := i.drain("--queue", "mail out"); code == cli.ExitOK || !strings.Contains(stderr, `"mail out"`) {
		t.Errorf("code %d, %s; want a queue that was asked for refused", code, stderr)
	}
}

func TestDrainTakesOptionsAlong(t *testing.T) {
	i := install(t)
	deadline := time.Now().Add(time.Hour).Truncate(time.Second)
	task := asynq.NewTaskWithHeaders("send mail", []byte("{}"), map[string]string{"trace": "abc"})
	info := i.enqueue(task, asynq.TaskID("user/42"), asynq.Timeout(time.Minute), asynq.Deadline(deadline), asynq.Retention(time.Hour), asynq.MaxRetry(0))
	i.wantDrained()
	job := i.get("default", asynqtask.JobID(info.ID))
	if job.Kind != "send-mail" || job.MaxAttempts != 1 || job.State != drayhorse.Available {
		t.Fatalf("job = %+v", job)
	}
	for _, want := range []string{`"trace":"abc"`, `"type":"send mail"`, `"id":"user/42"`, `"deadline":"`} {
		if !strings.Contains(string(job.Args), want) {
			t.Errorf("args = %s, want %s in it", job.Args, want)
		}
	}
	stored, err := i.engine.Client().HGet(t.Context(), "drayhorse:{default}:jobs", job.ID).Result()
	i.must(err)
	if e, err := jobs.DecodeEnvelope(stored); err != nil || e.Timeout != time.Minute || e.Retain != time.Hour {
		t.Errorf("envelope = %+v, %v", e, err)
	}
}

func TestAnotherTaskOfTheSameIDStaysInAsynq(t *testing.T) {
	i := install(t)
	again := func(payload string) {
		i.enqueue(asynq.NewTask("a", []byte(payload)), asynq.TaskID("one"))
	}
	again("1")
	i.wantDrained()
	again("1") // as after a drain that was killed before it removed the task
	if out := i.wantDrained(); !strings.Contains(out, "stored by a drain before this one: 1") {
		t.Errorf("stdout = %s, want the known task counted", out)
	}
	again("2")
	code, out, stderr := i.drain()
	if code != cli.ExitFailed || !strings.Contains(stderr, "pending task one: the queue has another job of this ID, which is available") {
		t.Errorf("code %d, stdout %s, stderr %s", code, out, stderr)
	}
	if n, _ := i.counts(); n != 1 {
		t.Errorf("asynq has %d tasks, want the other one", n)
	}
	if job := i.get("default", "one"); string(job.Args) != "1" {
		t.Errorf("args = %s, want those of the first", job.Args)
	}
}

// TestPagesOfTasksThatStay mixes tasks that cannot be moved with others, over pages.
func TestPagesOfTasksThatStay(t *testing.T) {
	i := install(t)
	const n = 700
	fill := func(payload string) {
		i.spread(n, func(k int) {
			i.enqueue(asynq.NewTask("a", []byte(payload)), asynq.TaskID(key("t", string(rune('a'+k%26)))+time.Duration(k).String()), asynq.ProcessIn(time.Hour+time.Duration(k)*time.Second))
		})
	}
	fill("1")
	i.wantDrained()
	fill("2")
	i.spread(n, func(k int) {
		i.enqueue(asynq.NewTask("b", nil), asynq.ProcessIn(time.Hour+time.Duration(k)*time.Second))
	})
	code, _, stderr := i.drain()
	if code != cli.ExitFailed || !strings.Contains(stderr, "tasks that were not moved: 700\n") {
		t.Errorf("code %d, stderr %s", code, stderr)
	}
	if left, _ := i.counts(); left != n {
		t.Errorf("asynq has %d tasks, want %d", left, n)
	}
	if s, err := i.partition("default").Summary(t.Context()); err != nil || s.Scheduled != 2*n {
		t.Errorf("summary = %+v, %v, want %d scheduled", s, err, 2*n)
	}
}

func TestTasksThatWereArchivedByHand(t *testing.T) {
	i := install(t)
	info := i.enqueue(asynq.NewTask("a", nil))
	i.must(i.inspector.ArchiveTask("default", info.ID))
	i.wantDrained()
	job := i.get("default", info.ID)
	if job.State != drayhorse.Discarded || job.Attempt != 1 || len(job.Errors) > 0 || time.Since(job.FinishedAt) > time.Minute {
		t.Errorf("job = %+v", job)
	}
	i.must(i.partition("default").Retry(t.Context(), jobs.PackID(info.ID)))
	if job := i.get("default", info.ID); job.State != drayhorse.Available || job.Attempt != 1 {
		t.Errorf("after a retry: %+v", job)
	}
}

// TestWorkersTakeNothingMeanwhile: a task is not handled in both systems, also when
// somebody resumes the queue between two drains.
func TestWorkersTakeNothingMeanwhile(t *testing.T) {
	i := install(t)
	i.enqueue(asynq.NewTask("a", nil))
	i.wantDrained()
	i.must(i.inspector.UnpauseQueue("default"))
	i.enqueue(asynq.NewTask("a", nil))
	i.wantDrained()
	info, err := i.inspector.GetQueueInfo("default")
	i.must(err)
	if !info.Paused || info.Pending > 0 {
		t.Errorf("asynq has %+v, want it paused and empty", info)
	}
}

// TestFollowGoesOnUntilItIsTold: with new tasks, queues that are new, and queues that
// somebody resumes.
func TestFollowGoesOnUntilItIsTold(t *testing.T) {
	i := install(t)
	i.enqueue(asynq.NewTask("a", nil))
	ctx, stop := context.WithCancelCause(t.Context())
	ended := make(chan int)
	go func() {
		code, _, _ := run(ctx, i.args("--follow")...)
		ended <- code
	}()
	moved := func() bool { n, _ := i.counts(); return n == 0 }
	paused := func() bool {
		info, err := i.inspector.GetQueueInfo("default")
		i.must(err)
		return info.Paused
	}
	redistest.Eventually(t, 10*time.Second, "the queue is paused and empty", func() bool { return moved() && paused() })
	i.enqueue(asynq.NewTask("a", nil), asynq.Queue("new"))
	i.must(i.inspector.UnpauseQueue("default"))
	redistest.Eventually(t, 10*time.Second, "so are the new one and the one that was resumed", func() bool { return moved() && paused() })
	stop(errors.New("told"))
	if code := <-ended; code != cli.ExitOK {
		t.Errorf("it ended with %d, want 0", code)
	}
}

func TestWrongUseIsExplained(t *testing.T) {
	i := install(t)
	i.enqueue(asynq.NewTask("a", nil), asynq.Queue("a b"))
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"drain"}, cli.ExitUsage, "--from"},
		{[]string{"drain", "--from", "nonsense"}, cli.ExitUsage, "nonsense"},
		{[]string{"drain", "--from", "redis://127.0.0.1:1/0"}, cli.ExitFailed, "127.0.0.1:1"},
		{i.args("--queue", "none"), cli.ExitFailed, `"none"`},
		{i.args("--dry-run", "--follow"), cli.ExitUsage, "one of them"},
		{i.args("--queue", "a b"), cli.ExitUsage, `"a b"`},
	} {
		code, stdout, stderr := run(t.Context(), test.args...)
		if code != test.code || !strings.Contains(stderr, test.says) || strings.Count(stderr, "\n") != 1 || stdout != "" {
			t.Errorf("%v: code %d, stdout %q, stderr %q; want %d and %s", test.args, code, stdout, stderr, test.code, test.says)
		}
	}
}

func TestNothingLeavesAsynqBeforeItIsStored(t *testing.T) {
	i := install(t)
	i.enqueue(asynq.NewTask("a", nil))
	i.enqueue(asynq.NewTask("a", nil), asynq.ProcessIn(time.Hour))
	full := redistest.Start(t)
	i.must(full.Client(t).ConfigSet(t.Context(), "maxmemory", "1").Err())
	code, stdout, stderr := i.drain("--redis", full.URL)
	if code != cli.ExitFailed || !strings.Contains(stderr, "memory") {
		t.Errorf("code %d, stdout %s, stderr %s", code, stdout, stderr)
	}
	if n, _ := i.counts(); n != 2 {
		t.Errorf("asynq has %d tasks, want both", n)
	}
	i.must(full.Client(t).ConfigSet(t.Context(), "maxmemory", "0").Err())
	i.wantDrained("--redis", full.URL)
	if n, _ := i.counts(); n != 0 {
		t.Errorf("asynq has %d tasks, want none", n)
	}
}
