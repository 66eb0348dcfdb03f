package scheduler

import (
	"errors"
	"strconv"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/internal/schedules"
)

// leads makes a leader of a term, whose steps the test takes one by one. Nobody
// elects it: what it may do is for Redis to say.
func (r *rig) leads(term int64) *leader {
	r.Helper()
	s := r.scheduler(nil)
	l := newLeader(s, term)
	r.Cleanup(func() { l.close(); _ = s.Close() })
	return l
}

// declares stores a schedule that has been due for some time.
func (r *rig) declares(schedule Schedule) {
	r.Helper()
	d, err := schedule.declaration()
	if err != nil {
		r.Fatal(err)
	}
	if _, err := r.store.Reconcile(r.Context(), schedules.Source{Name: "source-of-" + d.ID, Declarations: []schedules.Declaration{d}}); err != nil {
		r.Fatal(err)
	}
}

// overdue sets the next tick of a schedule back, as if no leader had been there
// for so long.
func (r *rig) overdue(id string, by time.Duration) time.Time {
	r.Helper()
	status, err := r.store.Get(r.Context(), id)
	if err != nil {
		r.Fatal(err)
	}
	tick := status.Next.Add(-by)
	if err := r.engine.Client().ZAdd(r.Context(), r.namespace+":{@sched}:next", goredis.Z{Score: float64(tick.UnixMilli()), Member: id}).Err(); err != nil {
		r.Fatal(err)
	}
	return tick
}

// rounds lets a leader work until nothing is due or on its way.
func (r *rig) rounds(l *leader) {
	r.Helper()
	for {
		idle, err := r.turn(l)
		if err != nil {
			r.Fatal(err)
		}
		if idle {
			return
		}
	}
}

// turn lets a leader make one round, and says whether it has nothing more to do.
func (r *rig) turn(l *leader) (idle bool, err error) {
	l.lookAt = time.Time{}
	sleep, err := l.round(r.Context())
	if err != nil {
		return false, err
	}
	l.mail.wait() // for what is on its way
	return sleep > 0 && len(l.inFlight) == 0 && !l.queues.asking, nil
}

// fires has a leader fire what is due, without a step more.
func (r *rig) fires(l *leader) {
	r.Helper()
	l.outbox.begin()
	if fired, err := l.fire(r.Context()); err != nil || !fired {
		r.Fatal("not fired", err)
	}
}

// period is that of schedules that are not due by themselves in a test.
const period = 1000 * time.Hour

func rare(id string, change ...func(*Schedule)) Schedule {
	s := Schedule{ID: id, Every: period, Args: raw("k"), CatchUp: CatchUpAll, CatchUpWindow: 10 * period}
	for _, c := range change {
		c(&s)
	}
	return s
}

// takeover is what a leader does first. The planted bug looks for what is due and
// forgets what its predecessor left in the outbox.
func TestLeaderDrivesTheOutboxFirst(t *testing.T) {
	for name, c := range map[string]struct {
		round func(*rig, *leader)
		want  int
	}{
		"as it is": {func(r *rig, l *leader) { r.rounds(l) }, 3},
		"bug: outbox not driven": {func(r *rig, l *leader) {
			l.outbox.begin()
			if _, err := l.fire(r.Context()); err != nil {
				r.Fatal(err)
			}
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := setup(t)
			r.declares(rare("a"))
			r.overdue("a", 3*period)
			first, second := r.leads(1), r.leads(2)
			r.fires(first) // and dies
			c.round(r, second)
			if ticks := r.ticks("a"); len(ticks) != c.want {
				t.Errorf("ticks %v, want %d", ticks, c.want)
			}
		})
	}
}

// A leader that dies between enqueue and clear, and one that comes long after: the
// tick is not enqueued again, even if its job has run and its ID is forgotten. The
// planted bug removes the marker that the queue keeps.
func TestTickMarker(t *testing.T) {
	for name, c := range map[string]struct {
		forget []string
		want   int
	}{
		"as it is":                 {[]string{"seen"}, 0},
		"bug: tick marker removed": {[]string{"seen", "ticks"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := setup(t)
			r.declares(rare("a"))
			tick := r.overdue("a", period)
			first, second := r.leads(1), r.leads(2)
			r.fires(first)
			for len(r.ticks("a")) == 0 { // until it is enqueued
				if err := first.resend(t.Context()); err != nil {
					t.Fatal(err)
				}
				first.mail.wait()
				for _, mail := range first.mail.take() {
					if m, ok := mail.(*looked); ok {
						first.learn(t.Context(), m)
					}
				}
			} // and dies
			r.finish("a", tick)
			for _, column := range c.forget {
				if err := r.engine.Client().Del(t.Context(), r.namespace+":{default}:"+column).Err(); err != nil {
					t.Fatal(err)
				}
			}
			r.rounds(second)
			if ticks := r.ticks("a"); len(ticks) != c.want {
				t.Errorf("ticks %v, want %d more", ticks, c.want)
			}
			events, err := r.store.History(t.Context(), r.engine, "a")
			if c.want == 0 && (err != nil || len(events) != 1 || events[0].Outcome != schedules.Duplicate) {
				t.Errorf("history %+v, %v; want a duplicate", events, err)
			}
		})
	}
}

// finish ends the job of a tick: claimed and completed, without a trace.
func (r *rig) finish(schedule string, tick time.Time) {
	r.Helper()
	partitions, err := r.engine.Queue(r.Context(), drayhorse.DefaultQueue)
	if err != nil {
		r.Fatal(err)
	}
	lease := jobs.NewLease(partitions[0], schedules.JobID(schedule, tick))
	turn := func(t *jobs.Turn) *jobs.Turned {
		reply := r.engine.RunTurns(r.Context(), t)[0]
		if reply.Err != nil {
			r.Fatal(reply.Err)
		}
		return reply.Turned
	}
	got := turn(&jobs.Turn{Lease: lease, Want: 1})
	if len(got.Claims) != 1 || got.Claims[0].ID != schedules.JobID(schedule, tick) {
		r.Fatalf("claims %+v, want the job of %v", got.Claims, tick)
	}
	turn(&jobs.Turn{Lease: lease, Finishes: []jobs.Finish{{ID: got.Claims[0].ID, Seq: got.Claims[0].Seq, Outcome: jobs.Complete, Keep: true}}})
}

// A leader that was frozen while another was elected writes nothing, and counts
// that it was refused.
func TestStaleLeaderIsRefused(t *testing.T) {
	r := setup(t)
	r.declares(rare("a"))
	old, young := r.leads(1), r.leads(2)
	r.overdue("a", period)
	look, err := old.scheduler.store.Look(t.Context(), 1, 0)
	if err != nil || len(look.Due) != 1 {
		t.Fatal(look, err)
	}
	var s step
	old.consider(t.Context(), &s, look.Due[0], look.Now)
	r.rounds(young)
	if _, err := old.step(t.Context(), &s); !errors.Is(err, schedules.ErrTerm) {
		t.Errorf("fire in a term that is over: %v, want ErrTerm", err)
	}
	if err := old.run(t.Context()); err != nil {
		t.Errorf("run in a term that is over: %v, want it to end", err)
	}
	if n := value(t, old.scheduler.metrics.refused); n != 1 {
		t.Errorf("%v refused, want 1", n)
	}
	if ticks := r.ticks("a"); len(ticks) != 1 {
		t.Errorf("ticks %v, want one", ticks)
	}
}

// A tick goes to the queue that was its schedule's when it fired, so that whoever
// repeats it meets the same guard.
func TestTickKeepsItsQueue(t *testing.T) {
	r := setup(t)
	r.declares(rare("a"))
	tick := r.overdue("a", period)
	l := r.leads(1)
	r.fires(l)
	r.declares(rare("a", func(s *Schedule) { s.Options = []drayhorse.Option{drayhorse.Queue("other")} }))
	r.rounds(l)
	if ticks := r.ticks("a"); len(ticks) != 1 || !ticks[0].Equal(tick) {
		t.Errorf("ticks %v in queue default, want %v", ticks, tick)
	}
}

// A schedule that cannot be read is set aside; the others go on.
func TestBrokenScheduleIsSetAside(t *testing.T) {
	r := setup(t)
	r.declares(rare("a"))
	r.declares(rare("b"))
	r.overdue("a", period)
	r.overdue("b", period)
	if err := r.engine.Client().HSet(t.Context(), r.namespace+":{@sched}:declarations", "a", "7||not json").Err(); err != nil {
		t.Fatal(err)
	}
	if err := r.engine.Client().ZAdd(t.Context(), r.namespace+":{@sched}:next", goredis.Z{Score: 1, Member: "ghost"}).Err(); err != nil {
		t.Fatal(err)
	}
	if err := r.engine.Client().ZAdd(t.Context(), r.namespace+":{@sched}:outbox", goredis.Z{Score: 1, Member: "garbage"}).Err(); err != nil {
		t.Fatal(err)
	}
	l := r.leads(1)
	r.rounds(l)
	if ticks := r.ticks("b"); len(ticks) != 1 {
		t.Errorf("ticks of b %v, want one", ticks)
	}
	if n := value(t, l.scheduler.metrics.broken); n != 2 {
		t.Errorf("%v set aside, want a and the ghost", n)
	}
	if err := r.store.Remove(t.Context(), "a"); err != nil {
		t.Errorf("remove what cannot be read: %v", err)
	}
}

// The reply of each of a leader's calls gets lost, one after another: each tick is
// still one job.
func TestLostReplies(t *testing.T) {
	r := setup(t)
	proxy := redistest.NewProxy(t, redistest.AddrOf(t, r.url))
	direct := r.url
	r.url = "redis://" + proxy.Addr
	l := r.leads(1)
	r.url = direct
	const calls, ticks = 8, 3
	for n := range calls {
		id := "a" + strconv.Itoa(n)
		r.declares(rare(id))
		r.overdue(id, ticks*period)
		request := 0
		proxy.CutReplies(1, func([]byte) bool { request++; return request == n+1 })
		redistest.Eventually(t, patience, "nothing is due", func() bool {
			idle, err := r.turn(l)
			return err == nil && idle
		})
		if got := r.ticks(id); len(got) != ticks {
			t.Errorf("call %d: ticks %v, want %d", n, got, ticks)
		}
	}
	if proxy.Cuts() < calls-2 {
		t.Errorf("%d replies were lost, want about %d", proxy.Cuts(), calls)
	}
}
