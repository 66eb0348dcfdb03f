package worker

import (
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// some makes executions that nothing is known of.
func some(n int) []*execution {
	all := make([]*execution, n)
	for i := range all {
		all[i] = &execution{}
	}
	return all
}

func TestExecutorsRunBlockingHandlersBesideEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running atomic.Int32
		release := make(chan struct{})
		x := newExecutors(100, func(*execution) {
			running.Add(1)
			<-release
		})
		x.start(some(60))
		x.start(some(40))
		synctest.Wait()
		if n := running.Load(); n != 100 {
			t.Errorf("%d run, want all 100", n)
		}
		x.close()
		close(release)
		x.wait()
	})
}

func TestExecutorsReuseGoroutines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ran atomic.Int32
		x := newExecutors(100, func(*execution) { ran.Add(1) })
		for range 1000 {
			x.start(some(3))
			synctest.Wait()
		}
		if ran.Load() != 3000 || x.size > 3 {
			t.Errorf("%d ran on %d goroutines, want 3000 on at most 3", ran.Load(), x.size)
		}
		x.close()
		x.wait()
	})
}

func TestExecutorsWakeOneAtATime(t *testing.T) {
	t.Parallel()
	x := newExecutors(10, nil)
	before, last := make(chan struct{}, 1), make(chan struct{}, 1)
	x.line, x.size, x.idle, x.coming = some(5), 3, []chan<- struct{}{before, last}, true
	x.next()
	if len(x.idle) != 2 || x.size != 3 {
		t.Errorf("%d idle of %d, want 2 of 3: one is on its way", len(x.idle), x.size)
	}
	x.coming = false
	x.next()
	if len(x.idle) != 1 || x.size != 3 || !x.coming {
		t.Errorf("%d idle of %d, want 1 of 3: one was woken", len(x.idle), x.size)
	}
	if len(before) != 0 || len(last) != 1 {
		t.Error("the one that worked last was not the one to be woken")
	}
}

func TestExecutorsOutliveGoexit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ran atomic.Int32
		var x *executors
		x = newExecutors(1, func(*execution) {
			if ran.Add(1) < 4 {
				x.start(some(1)) // its slot is free before its goroutine has ended
			}
			runtime.Goexit()
		})
		x.start(some(1))
		synctest.Wait()
		if ran.Load() != 4 {
			t.Errorf("%d ran, want 4: each ends its goroutine and another takes its place", ran.Load())
		}
		x.close()
		x.wait()
	})
}

func TestExecutorsFinishWhatWasStarted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var order []*execution
		x := newExecutors(1, func(e *execution) { order = append(order, e) })
		all := some(10)
		x.start(all)
		x.close()
		x.wait()
		if !slices.Equal(order, all) {
			t.Errorf("%d ran, or in another order, want all 10 in theirs", len(order))
		}
	})
}
