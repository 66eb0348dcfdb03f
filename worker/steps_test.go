package worker_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/step"
	"github.com/drayhorse/drayhorse/worker"
)

// tenSteps is the arguments of a job of ten steps, whose worker kills itself at a line, once.
type tenSteps struct {
	At string `json:"at"`
}

func (tenSteps) Kind() string { return "ten-steps" }

// handleTenSteps registers its handler in a worker process. What the steps did goes to stdout:
// it outlives the process.
func handleTenSteps(w *worker.Worker) {
	worker.Handle(w, func(ctx context.Context, job *drayhorse.Job[tenSteps]) error {
		at := func(line string) {
			if line == job.Args.At && firstTime(job.ID) {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
		}
		for n := range 10 {
			name := fmt.Sprint("step-", n+1)
			at(name + " before")
			var err error
			switch n + 1 {
			case 4:
				err = step.Sleep(ctx, name, time.Millisecond)
			case 8:
				_, err = step.WaitSignal[int](ctx, name, time.Hour)
			default:
				_, err = step.Run(ctx, name, func(context.Context) (int, error) {
					fmt.Println("did", job.ID, name)
					at(name + " done")
					return n, nil
				})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// firstTime reports whether nobody has asked before for a job; it is kept in a file, since who
// asks is about to die.
func firstTime(id string) bool {
	f, err := os.OpenFile(os.Getenv(childMarks)+"/"+id, os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return false
	}
	return f.Close() == nil
}

const childMarks = "DRAYHORSE_TEST_CHILD_MARKS"

// TestKilledInSteps kills the process of a worker at each step, before it and between what it
// does and the keeping of that. No step that is finished runs again.
func TestKilledInSteps(t *testing.T) {
	r := field(t)
	want, did := map[string]map[string]int{}, map[string]map[string]int{}
	var ids []string
	for n := range 10 {
		for _, where := range []string{" before", " done"} {
			line := fmt.Sprint("step-", n+1, where)
			id := "at-" + strconv.Itoa(len(ids))
			if where == " done" && (n+1 == 4 || n+1 == 8) {
				continue
			}
			if _, err := r.producer.Enqueue(t.Context(), tenSteps{line}, drayhorse.ID(id), keep); err != nil {
				t.Fatal(err)
			}
			if err := r.producer.Signal(t.Context(), id, "step-8", 1); err != nil {
				t.Fatal(err)
			}
			ids, want[id], did[id] = append(ids, id), map[string]int{}, map[string]int{}
			for k := range 10 {
				if k+1 != 4 && k+1 != 8 {
					want[id][fmt.Sprint("step-", k+1)] = 1
				}
			}
			if where == " done" {
				want[id][fmt.Sprint("step-", n+1)] = 2
			}
		}
	}
	marks := t.TempDir()
	var mu sync.Mutex
	deaths := 0
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 3 { // each is followed by another when it dies
		all.Go(func() {
			for ctx.Err() == nil {
				c := startChild(t, r.url, r.namespace, 1, childMarks+"="+marks)
				for alive := true; alive; {
					select {
					case text := <-c.lines:
						mu.Lock()
						for line := range strings.Lines(text) {
							var id, name string
							if _, err := fmt.Sscanf(line, "did %s %s", &id, &name); err == nil {
								did[id][name]++
							}
						}
						mu.Unlock()
					case <-c.exited:
						alive = len(c.lines) > 0
					case <-ctx.Done():
						c.kill()
						return
					}
				}
				mu.Lock()
				deaths++
				mu.Unlock()
			}
		})
	}
	for _, id := range ids {
		r.becomes(id, drayhorse.Completed, 3*time.Minute)
	}
	stop()
	all.Wait()
	if deaths < len(ids) {
		t.Errorf("%d processes died, want %d", deaths, len(ids))
	}
	for _, id := range ids {
		if fmt.Sprint(did[id]) != fmt.Sprint(want[id]) {
			t.Errorf("%s: steps ran %v, want %v", id, did[id], want[id])
		}
		info := r.get(id)
		if info.Attempt != 1 {
			t.Errorf("%s: attempt %d", id, info.Attempt)
		}
	}
}

// TestStepsOverOutage: what a step came to is kept when Redis is back, in the same run.
func TestStepsOverOutage(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	r := setupAt(t, server.URL)
	runs := 0
	worker.Handle(r.worker, func(ctx context.Context, _ *drayhorse.Job[tenSteps]) error {
		_, err := step.Run(ctx, "pause", func(context.Context) (int, error) {
			runs++
			server.Pause()
			time.AfterFunc(2*time.Second, server.Resume)
			return 1, nil
		})
		return err
	})
	info, err := r.producer.Enqueue(t.Context(), tenSteps{}, keep)
	if err != nil {
		t.Fatal(err)
	}
	r.start()
	r.becomes(info.ID, drayhorse.Completed, time.Minute)
	if runs != 1 {
		t.Errorf("the step ran %d times", runs)
	}
}
