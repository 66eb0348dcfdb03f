package migrate

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/asynqtask"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// size is how many tasks TestDrainThatIsKilledLosesNothing moves; 100,000 takes
// minutes.
var size = flag.Int("tasks", 3000, "tasks that a drain that is killed has to move")

var crew = []string{"critical", "default", "low"}

// held is how many tasks asynq's worker has in its hands during the drain.
const held = 20

// TestDrainThatIsKilledLosesNothing moves tasks in five states while a producer goes
// on writing and a worker is at work, and kills the drain twice.
func TestDrainThatIsKilledLosesNothing(t *testing.T) {
	i := install(t)
	release := i.populate(*size)
	want := i.snapshot()
	found, active := i.counts()
	if found < *size-held || active != held {
		t.Fatalf("asynq has %d tasks and %d active ones, want %d and %d", found, active, *size-held, held)
	}
	stopWriting := i.write(want)

	first := i.start()
	redistest.Eventually(t, 5*time.Minute, "an eighth is removed", func() bool { n, _ := i.counts(); return n < found-found/8 })
	first.kill(t)
	second := i.start()
	redistest.Eventually(t, 5*time.Minute, "most is stored", func() bool { return i.stored() > found*3/5 })
	second.kill(t)
	third := i.start("--follow")
	redistest.Eventually(t, 5*time.Minute, "the drain has caught up with the producer", func() bool { n, _ := i.counts(); return n < found/20 })
	written := stopWriting()
	release() // the worker's tasks fail, so that they are to be moved as well
	redistest.Eventually(t, 5*time.Minute, "asynq is empty", func() bool { n, active := i.counts(); return n+active == 0 })
	_ = third.Process.Signal(syscall.SIGTERM)
	<-third.exited
	if code := third.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the last drain ended with %d", code)
	}
	t.Logf("%d tasks, %d of them written meanwhile; the last drain says:\n%s", len(want), written, third.stdout.String())
	i.check(want)
}

// populate gives asynq n tasks in five states. Release lets the active ones fail.
func (i *installation) populate(n int) (release func()) {
	i.Helper()
	i.spread(n*35/100, func(k int) {
		i.enqueue(asynq.NewTask("flaky", payload(k)), asynq.Queue(crew[k%3]), asynq.TaskID(fmt.Sprintf("flaky-%d", k)), asynq.MaxRetry(5))
	})
	i.process(func(ctx context.Context, _ *asynq.Task) error {
		id, _ := asynq.GetTaskID(ctx)
		if k, _ := strconv.Atoi(strings.TrimPrefix(id, "flaky-")); k%7 < 3 {
			return fmt.Errorf("%w: no hope|\n for %s", asynq.SkipRetry, id)
		}
		return errors.New("not this time: " + id)
	}, func(retried int, _ error, _ *asynq.Task) time.Duration {
		if retried == 0 && rand.N(5) == 0 {
			return 0
		}
		return time.Hour + rand.N(time.Hour)
	}, crew...)

	stop := i.hold()
	i.spread(n*25/100, func(k int) {
		i.enqueue(asynq.NewTask("later", payload(k)), asynq.Queue(crew[k%3]), asynq.ProcessIn(time.Hour+rand.N(time.Hour)),
			asynq.Retention(time.Hour), asynq.Timeout(time.Minute))
	})
	i.spread(n-n*35/100-n*25/100-held, func(k int) {
		i.enqueue(asynq.NewTask("now", payload(k), asynq.MaxRetry(k%4)), asynq.Queue(crew[k%3]))
	})
	return stop
}

// hold starts an asynq worker and fills its hands.
func (i *installation) hold() (release func()) {
	i.Helper()
	released := make(chan struct{})
	server := asynq.NewServer(i.opt(), asynq.Config{
		Concurrency: held, LogLevel: asynq.FatalLevel, TaskCheckInterval: 5 * time.Millisecond,
		Queues:         map[string]int{"critical": 1, "default": 1, "low": 1},
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return time.Hour },
	})
	i.must(server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		<-released
		return errors.New("let go")
	})))
	for k := range held {
		i.enqueue(asynq.NewTask("held", payload(k)), asynq.Queue(crew[k%3]))
	}
	redistest.Eventually(i, time.Minute, "the worker's hands are full", func() bool { _, active := i.counts(); return active == held })
	release = sync.OnceFunc(func() { close(released) })
	i.Cleanup(func() { release(); server.Shutdown() })
	return release
}

// spread calls do with 0 to n-1, several at a time.
func (i *installation) spread(n int, do func(k int)) {
	var group sync.WaitGroup
	for w := range 8 {
		group.Go(func() {
			for k := w; k < n; k += 8 {
				do(k)
			}
		})
	}
	group.Wait()
}

// payload gives JSON, with white space, and bytes that are none.
func payload(k int) []byte {
	switch k % 4 {
	case 0:
		return fmt.Appendf(nil, "\xff\x00%d", k)
	case 1:
		return nil
	}
	return fmt.Appendf(nil, " { \"k\" : %d, \"big\": 12345678901234567890 }\n", k)
}

// write writes tasks until it is stopped, which gives their number.
func (i *installation) write(want map[string]*asynq.TaskInfo) (stop func() int) {
	stopped, number := make(chan struct{}), make(chan int)
	var once sync.Once
	go func() {
		n := 0
		for {
			select {
			case <-stopped:
				number <- n
				return
			case <-time.After(time.Millisecond):
			}
			options := []asynq.Option{asynq.Queue(crew[n%3])}
			if n%3 == 0 {
				options = append(options, asynq.ProcessIn(2*time.Hour))
			}
			info, err := i.client.Enqueue(asynq.NewTask("meanwhile", payload(n)), options...)
			if err != nil {
				i.Errorf("write: %v", err)
				continue
			}
			want[key(info.Queue, info.ID)] = info
			n++
		}
	}()
	total := 0
	stop = func() int {
		once.Do(func() { close(stopped); total = <-number })
		return total
	}
	i.Cleanup(func() { stop() })
	return stop
}

// snapshot gives all that asynq's Inspector knows.
func (i *installation) snapshot() map[string]*asynq.TaskInfo {
	i.Helper()
	all := map[string]*asynq.TaskInfo{}
	for _, queue := range crew {
		for _, list := range []func(string, ...asynq.ListOption) ([]*asynq.TaskInfo, error){
			i.inspector.ListPendingTasks, i.inspector.ListScheduledTasks, i.inspector.ListRetryTasks,
			i.inspector.ListArchivedTasks, i.inspector.ListActiveTasks,
		} {
			for page := 1; ; page++ {
				tasks, err := list(queue, asynq.PageSize(1000), asynq.Page(page))
				i.must(err)
				for _, task := range tasks {
					all[key(queue, task.ID)] = task
				}
				if len(tasks) < 1000 {
					break
				}
			}
		}
	}
	return all
}

// stored is how many jobs were ever stored.
func (i *installation) stored() int {
	i.Helper()
	n := 0
	for _, queue := range crew {
		s, err := i.partition(queue).Summary(i.Context())
		i.must(err)
		n += int(s.Totals["enqueued"])
	}
	return n
}

// check compares what is here with what asynq had.
func (i *installation) check(want map[string]*asynq.TaskInfo) {
	i.Helper()
	if n := i.stored(); n != len(want) {
		i.Errorf("%d jobs were stored, want %d", n, len(want))
	}
	states := map[drayhorse.State]int{}
	for _, task := range want {
		info, err := i.partition(task.Queue).Get(i.Context(), jobs.PackID(task.ID))
		if err != nil {
			i.Errorf("%s task %s: %v", task.State, task.ID, err)
			continue
		}
		states[wantedState(task)]++
		if fault := compare(task, info); fault != "" {
			i.Errorf("%s task %s: %s", task.State, task.ID, fault)
		}
	}
	for _, queue := range crew {
		s, err := i.partition(queue).Summary(i.Context())
		i.must(err)
		states[drayhorse.Available] -= s.Available
		states[drayhorse.Scheduled] -= s.Scheduled
		states[drayhorse.Retryable] -= s.Retryable
		states[drayhorse.Discarded] -= s.Discarded
	}
	for state, n := range states {
		if n != 0 {
			i.Errorf("%s: %d jobs are missing", state, n)
		}
	}
}

func wantedState(task *asynq.TaskInfo) drayhorse.State {
	return map[asynq.TaskState]drayhorse.State{
		asynq.TaskStatePending: drayhorse.Available, asynq.TaskStateScheduled: drayhorse.Scheduled,
		asynq.TaskStateRetry: drayhorse.Retryable, asynq.TaskStateArchived: drayhorse.Discarded,
		asynq.TaskStateActive: drayhorse.Retryable, // failed since
	}[task.State]
}

// compare says what of a task has changed on its way.
func compare(task *asynq.TaskInfo, info *drayhorse.Info) string {
	payload, err := asynqtask.Payload(info.Args)
	attempt := task.Retried + 1
	lastErr := task.LastErr
	if task.State == asynq.TaskStateActive {
		attempt, lastErr = 2, "let go"
	}
	got := ""
	if n := len(info.Errors); n > 0 {
		got = info.Errors[n-1].Message
	}
	due := task.State == asynq.TaskStateScheduled || task.State == asynq.TaskStateRetry
	switch {
	case err != nil || string(payload) != string(task.Payload):
		return fmt.Sprintf("payload %q, want %q, %v", payload, task.Payload, err)
	case info.Kind != task.Type || info.State != wantedState(task):
		return fmt.Sprintf("kind %q and state %s, want %q and %s", info.Kind, info.State, task.Type, wantedState(task))
	case info.Attempt != attempt || info.MaxAttempts != task.MaxRetry+1:
		return fmt.Sprintf("attempt %d of %d, want %d of %d", info.Attempt, info.MaxAttempts, attempt, task.MaxRetry+1)
	case due && info.DueAt.Unix() != task.NextProcessAt.Unix():
		return fmt.Sprintf("due at %v, want %v", info.DueAt, task.NextProcessAt)
	case got != lastErr:
		return fmt.Sprintf("last error %q, want %q", got, lastErr)
	}
	return ""
}
