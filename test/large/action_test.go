package large

import (
	"encoding/json"
	"strings"
	"sync/atomic"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// began waits for the only action that runs.
func (y *yard) began() *admin.Action {
	y.Helper()
	var action *admin.Action
	redistest.Eventually(y, time.Minute, "an action has begun", func() bool {
		all, err := y.admin.Actions(y.Context())
		for _, a := range all {
			if err == nil && !a.Ended() {
				action = a
			}
		}
		return action != nil
	})
	return action
}

// reaches waits until an action is as it is to be.
func (y *yard) reaches(id string, fact func(a *admin.Action) bool) (action *admin.Action) {
	y.Helper()
	redistest.Eventually(y, 10*time.Minute, "action "+id+" is as wanted", func() (ok bool) {
		var err error
		action, err = y.admin.Action(y.Context(), id)
		return err == nil && fact(action)
	})
	return action
}

// retryAll retries all discarded jobs by the command line while a worker runs them, others are
// discarded and some are deleted: each runs once. Where there are many, the process is killed
// on the way, and the dashboard goes on.
func (y *yard) retryAll() {
	y.Helper()
	y.forget()
	y.healed.Store(true)
	stop := y.work()
	defer stop()
	began := time.Now()
	runner := y.start("jobs", "retry", "--where", "state:discarded kind:gone", "--reason", "the relay is back", "--yes")
	id := y.began().ID
	more, ended := atomic.Int64{}, make(chan struct{})
	go func() { // the set changes
		defer close(ended)
		for i := 0; !y.Failed() && i < 200; i++ {
			if _, err := y.jobs.EnqueueMany(y.Context(), []drayhorse.Spec{spec("gone", len(y.runs)+i, drayhorse.Queue("dead"), drayhorse.MaxAttempts(1))}); err == nil {
				more.Add(1)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	before := y.reaches(id, func(a *admin.Action) bool { return a.Changed >= *discarded/5 || a.Ended() })
	if *bounds {
		runner.Kill()
		if before.Ended() {
			y.Errorf("the action had ended before its process was killed: %+v", before)
		}
	}
	deleted := y.deleteSome(20) // of those that it has not come to yet, if there are any
	a := y.reaches(id, (*admin.Action).Ended)
	<-ended
	took := time.Since(began)
	want := *discarded - deleted // and maybe some more, that were deleted before they ran
	if a.State != admin.ActionDone || a.Changed < want || a.Changed > *discarded || a.Failed != 0 || a.Actor == "" || a.Reason != "the relay is back" || !strings.Contains(a.Filter, "gone") {
		y.Errorf("the record is %+v; want %d jobs changed, or some more", a, want)
	}
	if *bounds && a.Runner == before.Runner {
		y.Errorf("%s has run it to its end, which was killed", a.Runner)
	}
	y.await("dead", func(q *admin.Queue) bool {
		return q.Available+q.Running == 0 && q.Discarded == int(more.Load())
	})
	times := map[int32]int{}
	for i := range y.runs {
		times[y.runs[i].Load()]++
	}
	if times[1] != want || times[0] != deleted {
		y.Errorf("runs by how many jobs: %v; want one each, and none of %d that were deleted", times, deleted)
	}
	y.wantQuick("retrying all", *discarded/50_000)
	y.Logf("%d jobs retried in %v, %d deleted meanwhile, %d more discarded; its process came to %d", a.Changed, took.Round(time.Second), deleted, more.Load(), before.Changed)
}

// deleteSome deletes up to n jobs that were discarded before they were healed, and says how many.
func (y *yard) deleteSome(n int) (deleted int) {
	y.Helper()
	for f := (admin.Filter{Queue: "dead", State: drayhorse.Discarded, Limit: admin.MaxLimit}); deleted < n; {
		page, err := y.admin.Jobs(y.Context(), f)
		if err != nil {
			y.Fatal(err)
		}
		for _, info := range page.Jobs {
			var args what
			if deleted < n && json.Unmarshal(info.Args, &args) == nil && args.N < len(y.runs) && y.admin.Delete(y.Context(), "dead", info.ID) == nil {
				deleted++
			}
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			break
		}
	}
	return deleted
}

// cancelSome begins to cancel all that waits, and is stopped.
func (y *yard) cancelSome() {
	y.Helper()
	y.forget()
	kind := "mail"
	runner := y.start("jobs", "cancel", "--where", "queue:orders kind:"+kind, "--reason", "tried", "--yes")
	id := y.began().ID
	y.reaches(id, func(a *admin.Action) bool { return a.Changed >= *waiting/100 || a.Ended() })
	if err := y.admin.StopAction(y.Context(), id); err != nil {
		y.Fatal(err)
	}
	a := y.reaches(id, (*admin.Action).Ended)
	runner.Wait()
	if a.State != admin.ActionStopped || a.Changed == 0 || *bounds && a.Changed >= *waiting/4 {
		y.Errorf("the record is %+v; want it stopped on the way", a)
	}
	y.await("orders", func(q *admin.Queue) bool { return q.Available == *waiting-a.Changed })
	y.wantQuick("cancelling some", 0)
	y.Logf("stopped after %d of %d", a.Changed, *waiting/4)
}
