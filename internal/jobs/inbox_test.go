package jobs

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// inbox is one of the rig's engine.
func (r *rig) inbox() *Inbox {
	r.t.Helper()
	b := NewInbox(r.Engine)
	r.t.Cleanup(b.Close)
	return b
}

// waited is what a wait came to.
type waited struct {
	info *drayhorse.Info
	err  error
}

// wait waits for a job in the background, and returns when Redis knows of it.
func (r *rig) wait(b *Inbox, id string) <-chan waited {
	r.t.Helper()
	done := make(chan waited, 1)
	go func() {
		info, err := b.Wait(r.ctx, r.part, id)
		done <- waited{info, err}
	}()
	redistest.Eventually(r.t, time.Second, "the wait is known", func() bool {
		return strings.Contains(r.client.HGet(r.ctx, r.part.key(colReports), "w"+id).Val(), b.channel)
	})
	return done
}

func (r *rig) answer(done <-chan waited) waited {
	r.t.Helper()
	select {
	case w := <-done:
		return w
	case <-time.After(LookAgainEvery - 5*time.Second): // it was told, not looked for
		r.t.Fatal("nobody has told of the end")
	}
	return waited{}
}

// TestWaitersAreTold of every end.
func TestWaitersAreTold(t *testing.T) {
	ends := map[string]struct {
		change []func(*NewJob)
		end    func(r *rig, id string)
		state  drayhorse.State
	}{
		"completed, gone": {nil, func(r *rig, _ string) {
			l := r.newLease()
			c := r.turn(l, 1).Claims[0]
			r.turn(l, 0, Finish{ID: c.ID, Seq: c.Seq, Outcome: Complete})
		}, drayhorse.Completed},
		"completed, kept": {[]func(*NewJob){retained}, func(r *rig, _ string) {
			l := r.newLease()
			r.turn(l, 0, r.turn(l, 1).Claims[0].finish(Complete, func(f *Finish) { f.Result = []byte(`7`) }))
		}, drayhorse.Completed},
		"completed after a failure, gone": {nil, func(r *rig, _ string) {
			l := r.newLease()
			r.turn(l, 0, r.turn(l, 1).Claims[0].finish(Fail))
			c := r.turn(l, 1).Claims[0]
			r.turn(l, 0, Finish{ID: c.ID, Seq: c.Seq, Outcome: Complete})
		}, drayhorse.Completed},
		"discarded": {nil, func(r *rig, _ string) {
			l := r.newLease()
			r.turn(l, 0, r.turn(l, 1).Claims[0].finish(Exhaust))
		}, drayhorse.Discarded},
		"cancelled": {nil, func(r *rig, id string) { r.must(r.part.Cancel(r.ctx, id)) }, drayhorse.Cancelled},
		"deleted":   {nil, func(r *rig, id string) { r.must(r.part.Delete(r.ctx, id)) }, ""},
		"purged": {nil, func(r *rig, _ string) {
			_, err := r.part.Purge(r.ctx, drayhorse.Available)
			r.must(err)
		}, ""},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			conform(t, func(r *rig) {
				b := r.inbox()
				id := r.enqueue(r.newJob(end.change...))[0]
				done, too := r.wait(b, id), r.wait(r.inbox(), id)
				end.end(r, id)
				for _, w := range []waited{r.answer(done), r.answer(too)} {
					switch {
					case end.state == "":
						r.wantError(w.err, drayhorse.ErrNotFound)
					case w.err != nil:
						t.Fatal(w.err)
					case w.info.State != end.state || w.info.ID != UnpackID(id) || w.info.Kind != "test" || w.info.FinishedAt.IsZero():
						t.Errorf("info = %+v", w.info)
					}
				}
				if name == "completed, kept" {
					info, err := b.Wait(r.ctx, r.part, id) // it has ended before
					if err != nil || string(info.Result) != `7` {
						t.Errorf("after the end: %+v, %v", info, err)
					}
				}
			})
		})
	}
}

func TestWaitForWhatIsNotThere(t *testing.T) {
	conform(t, func(r *rig) {
		_, err := r.inbox().Wait(r.ctx, r.part, "none")
		r.wantError(err, drayhorse.ErrNotFound)
	})
}

// TestACallerThatGivesUpLeavesNothing: the job goes on, and no row is left.
func TestACallerThatGivesUpLeavesNothing(t *testing.T) {
	conform(t, func(r *rig) {
		b := r.inbox()
		id := r.enqueue(r.newJob())[0]
		ctx, cancel := context.WithCancel(r.ctx)
		done := make(chan error)
		go func() {
			_, err := b.Wait(ctx, r.part, id)
			done <- err
		}()
		noted := func() bool { return r.client.HExists(r.ctx, r.part.key(colReports), "w"+id).Val() }
		redistest.Eventually(t, time.Second, "the wait is known", noted)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("error = %v", err)
		}
		redistest.Eventually(t, time.Second, "nothing is left", func() bool { return !noted() })
		r.wantState(id, drayhorse.Available)
	})
}

// TestNothingIsLeftOfWaits: at the end of the last job that is waited for, no script looks for
// another, and what is known of one that kept nothing goes with the next sweep after a while.
func TestNothingIsLeftOfWaits(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob())[0]
		done := r.wait(r.inbox(), id)
		l := r.newLease()
		c := r.turn(l, 1).Claims[0]
		r.turn(l, 0, Finish{ID: c.ID, Seq: c.Seq, Outcome: Complete})
		r.answer(done)
		info, err := r.inbox().Wait(r.ctx, r.part, id) // a message was lost, say
		if err != nil || info.State != drayhorse.Completed {
			t.Errorf("asked again: %+v, %v", info, err)
		}
		row := r.client.HGet(r.ctx, r.part.key(colReports), "t"+id).Val()
		_, rest, _ := strings.Cut(row, "|")
		r.must(r.client.HSet(r.ctx, r.part.key(colReports), "t"+id, "1|"+rest).Err()) // its time is over
		_, err = r.part.Sweep(r.ctx)
		r.must(err)
		if n := r.client.Exists(r.ctx, r.part.key(colReports)).Val(); n != 0 {
			t.Errorf("reports are left: %v", r.raw().hashes[colReports])
		}
		if r.raw().hashes[colMeta]["reports"] != "" {
			t.Error("scripts go on looking")
		}
	})
}

// TestTooManyWaiters: those that find no room hear of the end when they look.
func TestTooManyWaiters(t *testing.T) {
	conform(t, func(r *rig) {
		id := r.enqueue(r.newJob())[0]
		ask := func(channel string) bool {
			reply := r.awaitAll(r.ctx, []redis.Call{r.part.await(channel, time.Minute, false, []asked{{id: id, number: 1}})})[0]
			standings, err := decodeStandings(reply, 1)
			r.must(err)
			return standings[0].told
		}
		for i := range 64 {
			if !ask(strconv.Itoa(i)) {
				t.Fatalf("the %dth finds no room", i)
			}
		}
		if ask("another") || !ask("7") {
			t.Error("want room for 64 processes")
		}
	})
}
