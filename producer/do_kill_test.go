package producer_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

// doRoleEnv has the test binary be a process that is killed: a "worker", a "caller" or a worker of a "flow", of
// the Redis at doURLEnv.
const (
	doRoleEnv = "PRODUCER_TEST_DO_ROLE"
	doURLEnv  = "PRODUCER_TEST_DO_URL"
)

const (
	doNames   = 24  // that callers ask for, one after the other
	doCallers = 250 // who ask at once, in each process
)

// hangs says whether the first run of a name goes on until its worker is killed.
func hangs(name int) bool { return name%10 == 5 }

func doChild() {
	run := map[string]func(url string) error{"worker": doWork, "caller": doAsk, "flow": flowWork}[os.Getenv(doRoleEnv)]
	if err := run(os.Getenv(doURLEnv)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// doWork works, and writes down what runs: its job and process.
func doWork(url string) error {
	options, err := goredis.ParseURL(url)
	if err != nil {
		return err
	}
	client := goredis.NewClient(options)
	w, err := worker.New(worker.Config{RedisURL: url, Concurrency: 4})
	if err != nil {
		return err
	}
	worker.Handle(w, func(ctx context.Context, job *drayhorse.Job[resize]) error {
		name, err := strconv.Atoi(job.Args.Name)
		if err != nil {
			return err
		}
		runs, err := client.RPush(ctx, "ran:"+job.Args.Name, fmt.Sprint(job.ID, " ", os.Getpid())).Result()
		if err != nil {
			return err
		}
		if hangs(name) && runs == 1 {
			<-ctx.Done()
			return ctx.Err()
		}
		return job.SetResult(size{name})
	})
	return w.Run(context.Background())
}

// doAsk asks for all names, and says of each that all callers had its result.
func doAsk(url string) error {
	p, err := producer.New(producer.Config{RedisURL: url})
	if err != nil {
		return err
	}
	for name := range doNames {
		var all sync.WaitGroup
		failed := make(chan error, doCallers)
		for range doCallers {
			all.Go(func() {
				got, err := producer.Do[resize, size](context.Background(), p, resize{strconv.Itoa(name)}, drayhorse.Fresh(time.Hour))
				if err == nil && got.Width != name {
					err = fmt.Errorf("the result of %d is %d", name, got.Width)
				}
				if err != nil {
					failed <- err
				}
			})
		}
		all.Wait()
		close(failed)
		if err := <-failed; err != nil {
			return err
		}
		fmt.Println(name)
	}
	return nil
}

// doProcess is a process to be killed.
type doProcess struct {
	*exec.Cmd
	names  chan string // that a caller is done with
	exited chan error
}

func startDo(t *testing.T, role, url string) *doProcess {
	t.Helper()
	p := &doProcess{Cmd: exec.Command(os.Args[0]), names: make(chan string, doNames), exited: make(chan error, 1)}
	p.Env = append(os.Environ(), doRoleEnv+"="+role, doURLEnv+"="+url)
	p.Stderr = t.Output()
	out, err := p.StdoutPipe()
	if err == nil {
		err = p.Start()
	}
	if err != nil { // not Fatal, since callers start in goroutines
		t.Error(err)
		close(p.names)
		p.exited <- err
		return p
	}
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.names <- lines.Text()
		}
		close(p.names)
		p.exited <- p.Wait()
	}()
	t.Cleanup(p.kill)
	return p
}

// kill kills a process, if it is still there.
func (p *doProcess) kill() {
	if p.Process != nil {
		_ = p.Process.Kill()
	}
	p.exited <- <-p.exited // for who asks next
}

// TestDoUnderKills: whichever callers and workers are killed, each name is one job that runs
// once, and once more for each worker that was lost with it; and all who still ask get its
// result.
func TestDoUnderKills(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	workers := map[int]*doProcess{}
	work := func() {
		w := startDo(t, "worker", server.URL)
		workers[w.Process.Pid] = w
	}
	work()
	work()
	var callers sync.WaitGroup
	for i := range 4 {
		callers.Go(func() {
			for kill := range 2 { // in the midst of what follows a name that is its own
				p := startDo(t, "caller", server.URL)
				for name := range p.names {
					if name == strconv.Itoa(2+6*kill+i) {
						break
					}
				}
				p.kill()
			}
			p := startDo(t, "caller", server.URL)
			for range p.names { // to the end
			}
			if err := <-p.exited; err != nil {
				t.Errorf("a caller that nobody killed: %v", err)
			} else {
				p.exited <- nil
			}
		})
	}
	client := server.Client(t)
	ran := func(name int) []string { return client.LRange(t.Context(), "ran:"+strconv.Itoa(name), 0, -1).Val() }
	for name := range doNames {
		if !hangs(name) {
			continue
		}
		redistest.Eventually(t, 30*time.Second, fmt.Sprint(name, " runs"), func() bool { return len(ran(name)) > 0 })
		pid, err := strconv.Atoi(strings.Fields(ran(name)[0])[1])
		if err != nil {
			t.Fatal(err)
		}
		workers[pid].kill()
		work()
	}
	callers.Wait()
	total := 0
	for name := range doNames {
		var ids []string
		for _, run := range ran(name) {
			ids = append(ids, strings.Fields(run)[0])
		}
		total += len(ids)
		if hangs(name) && len(ids) < 2 {
			t.Errorf("%d did not run again", name)
		}
		if ids = slices.Compact(ids); len(ids) != 1 {
			t.Errorf("%d is %d jobs, want one: %q", name, len(ids), ids)
		}
	}
	a, err := admin.New(admin.Config{RedisURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	all, err := a.Queues(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if again := int(all[0].Totals["rescued"]); total > doNames+again { // fewer: one was lost before it began
		t.Errorf("%d runs of %d jobs; %d were lost with their workers", total, doNames, again)
	}
}
