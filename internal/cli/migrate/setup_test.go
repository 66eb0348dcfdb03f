package migrate

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// childEnv makes the test binary the program, to be killed.
const childEnv = "DRAYHORSE_TEST_CHILD_ARGS"

func TestMain(m *testing.M) {
	if args := os.Getenv(childEnv); args != "" {
		os.Args = append(os.Args[:1], strings.Fields(args)...)
		cli.Main(AsynqCommand())
	}
	redistest.Main(m)
}

// installation is an asynq installation, and a Drayhorse beside it on the same Redis.
type installation struct {
	*testing.T
	redis     *redistest.Server
	client    *asynq.Client
	inspector *asynq.Inspector
	engine    *jobs.Engine
}

// install makes one on a Redis of its own: asynq's keys have one prefix for all.
func install(t *testing.T) *installation {
	t.Helper()
	t.Parallel()
	i := &installation{T: t, redis: redistest.Start(t)}
	i.client, i.inspector = asynq.NewClient(i.opt()), asynq.NewInspector(i.opt())
	to, err := redis.Open(redis.Config{URL: i.redis.URL})
	i.must(err)
	i.engine = jobs.New(to, "drayhorse")
	t.Cleanup(func() { _, _, _ = i.client.Close(), i.inspector.Close(), to.Close() })
	return i
}

func (i *installation) opt() asynq.RedisConnOpt {
	o, err := goredis.ParseURL(i.redis.URL)
	i.must(err)
	return asynq.RedisClientOpt{Addr: o.Addr}
}

func (i *installation) must(err error) {
	i.Helper()
	if err != nil {
		i.Fatal(err)
	}
}

func (i *installation) enqueue(task *asynq.Task, options ...asynq.Option) *asynq.TaskInfo {
	i.Helper()
	info, err := i.client.Enqueue(task, options...)
	i.must(err)
	return info
}

// args are those of a drain from asynq to Drayhorse.
func (i *installation) args(more ...string) []string {
	return append([]string{"drain", "--from", i.redis.URL, "--redis", i.redis.URL}, more...)
}

// drain runs a drain to its end.
func (i *installation) drain(more ...string) (code int, stdout, stderr string) {
	i.Helper()
	return run(i.Context(), i.args(more...)...)
}

func run(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	p := cli.Process{
		Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &err,
		LookupEnv: func(string) (string, bool) { return "", false },
	}
	code = p.Run(ctx, AsynqCommand())
	return code, out.String(), err.String()
}

// child is a drain as a process.
type child struct {
	*exec.Cmd
	exited chan struct{}
	stdout bytes.Buffer
}

func (i *installation) start(more ...string) *child {
	i.Helper()
	self, err := os.Executable()
	i.must(err)
	c := &child{Cmd: exec.Command(self), exited: make(chan struct{})}
	c.Env = append(os.Environ(), childEnv+"="+strings.Join(i.args(more...), " "))
	c.Stdout, c.Stderr = &c.stdout, i.Output()
	i.must(c.Start())
	go func() { _ = c.Wait(); close(c.exited) }()
	i.Cleanup(func() { _ = c.Process.Kill(); <-c.exited })
	return c
}

// kill kills a drain that is still at it.
func (c *child) kill(t *testing.T) {
	t.Helper()
	_ = c.Process.Kill()
	<-c.exited
	if status, ok := c.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the drain had ended before it was killed: %v", c.ProcessState)
	}
}

// counts gives the number of asynq's tasks in all queues that a drain moves, and of
// those that run.
func (i *installation) counts() (movable, active int) {
	i.Helper()
	queues, err := i.inspector.Queues()
	i.must(err)
	for _, name := range queues {
		info, err := i.inspector.GetQueueInfo(name)
		i.must(err)
		movable += info.Pending + info.Scheduled + info.Retry + info.Archived
		active += info.Active
	}
	return movable, active
}

// partition gives a queue of Drayhorse.
func (i *installation) partition(queue string) *jobs.Partition {
	i.Helper()
	partitions, err := i.engine.Queue(i.Context(), queue)
	i.must(err)
	return partitions[0]
}

func (i *installation) get(queue, id string) *drayhorse.Info {
	i.Helper()
	info, err := i.partition(queue).Get(i.Context(), jobs.PackID(id))
	i.must(err)
	return info
}

// process runs an asynq server on some queues until all pending tasks are through.
func (i *installation) process(h asynq.HandlerFunc, delay asynq.RetryDelayFunc, queues ...string) {
	i.Helper()
	weights := map[string]int{}
	for _, q := range queues {
		weights[q] = 1
	}
	server := asynq.NewServer(i.opt(), asynq.Config{
		Concurrency: 50, Queues: weights, LogLevel: asynq.FatalLevel, RetryDelayFunc: delay,
		TaskCheckInterval: 5 * time.Millisecond, DelayedTaskCheckInterval: 50 * time.Millisecond,
	})
	i.must(server.Start(h))
	defer server.Shutdown()
	busy := func(queue string) bool {
		info, err := i.inspector.GetQueueInfo(queue)
		i.must(err)
		return info.Pending+info.Active > 0
	}
	redistest.Eventually(i, 2*time.Minute, "asynq's server is through", func() bool {
		for _, q := range queues {
			if busy(q) {
				return false
			}
			due, err := i.inspector.ListRetryTasks(q, asynq.PageSize(1))
			i.must(err)
			if len(due) > 0 && due[0].NextProcessAt.Before(time.Now().Add(time.Minute)) {
				return false
			}
			if busy(q) { // with one that was due at the first look, and not any more at the second
				return false
			}
		}
		return true
	})
}

func key(queue, id string) string { return fmt.Sprintf("%s/%s", queue, id) }
