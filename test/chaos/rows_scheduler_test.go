package chaos

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"slices"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/internal/schedules"
	"github.com/drayhorse/drayhorse/scheduler"
)

var schedulerRows = []row{
	{name: "leader-killed", target: "each tick once; takeover <= 6 s, clean hand-over <= 0.1 s", alone: true, run: leaderKilled, smoke: true},
	{name: "leader-frozen", target: "frozen between reading and firing: each tick once", alone: true, run: leaderFrozen},
	{name: "schedulers-partitioned", target: "one term accepted, the other's writes refused and counted", alone: true, run: schedulersPartitioned},
}

// succession is within what time another scheduler leads when the leader is dead,
// and handover when it was stopped.
const (
	succession = 6 * time.Second
	handover   = 100 * time.Millisecond
)

// schedulersOf is how many schedules the rows declare.
const schedulesOf = 20

// schedulers starts replicas that fire for so long, and writes down the ticks to
// come.
func (r *rig) schedulers(n int, d time.Duration, change ...func(*plan)) []*process {
	r.Helper()
	start := time.Now().Truncate(time.Second).Add(3 * time.Second)
	p := plan{Schedules: schedulesOf, Start: start, End: start.Add(d)}
	for _, c := range change {
		c(&p)
	}
	r.expect(&p)
	var all []*process
	for range n {
		all = append(all, r.start("scheduler", p, change))
	}
	for _, c := range all {
		c.awaitReady()
	}
	return all
}

// expect declares the schedules of a plan, so that none of their ticks depends on how
// soon the schedulers are there, and writes the ticks to come down.
func (r *rig) expect(p *plan) {
	r.Helper()
	source := schedules.Source{Name: scheduleSource}
	for i := range p.Schedules {
		s := p.schedule(i)
		d := schedules.Declaration{
			ID: s.ID, Every: s.Every, Start: s.Start, End: s.End, Kind: s.Args.Kind(), Args: tickArgs, Queue: p.queue(i), Retain: keep, CatchUp: string(s.CatchUp),
		}
		if err := d.Settle(); err != nil {
			r.Fatal(err)
		}
		source.Declarations = append(source.Declarations, d)
	}
	if _, err := schedules.New(r.client(), r.namespace).Reconcile(r.Context(), source); err != nil {
		r.Fatal(err)
	}
	var events []event
	for _, id := range p.ticks() {
		events = append(events, event{What: expected, Key: id, Kind: "tick"})
	}
	r.journal.must(events...)
	r.lastTick = p.End
}

// observer is asked who leads.
func (r *rig) observer() *scheduler.Scheduler {
	r.Helper()
	s, err := scheduler.New(scheduler.Config{RedisURL: r.url, Namespace: r.namespace})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = s.Close() })
	return s
}

// leader waits until somebody but the named leads, and says who.
func (r *rig) leader(o *scheduler.Scheduler, but string) scheduler.Leader {
	r.Helper()
	var found scheduler.Leader
	redistest.Eventually(r.T, patience, "a leader other than "+but, func() bool {
		l, err := o.Leader(r.Context())
		found = l
		return err == nil && l.Term != 0 && l.Identity != but
	})
	return found
}

// replica gives the process that leads.
func replica(all []*process, l scheduler.Leader) *process {
	for _, c := range all {
		if c.plan.Name == l.Identity {
			return c
		}
	}
	return nil
}

// meta reads a number of the schedules: term, or refused.
func (r *rig) meta(field string) int {
	r.Helper()
	client := r.client()
	n, err := client.HGet(r.Context(), r.namespace+":{@sched}:meta", field).Int()
	if err != nil && !errors.Is(err, goredis.Nil) {
		r.Fatal(err)
	}
	return n
}

func (r *rig) refusedTerms() int { return r.meta("refused") }

// leaderKilled kills leaders, and stops others.
func leaderKilled(r *rig) {
	r.redis()
	r.worker()
	kills, length := 4, 20*time.Second
	if isSmoke() {
		kills, length = 2, 8*time.Second
	}
	all := r.schedulers(3, length)
	o := r.observer()
	killed, stopped := map[string]time.Time{}, map[string]bool{}
	for i := range kills {
		r.pause(time.Duration(500+r.random.IntN(1500)) * time.Millisecond)
		old := r.leader(o, "")
		c := replica(all, old)
		if i%2 == 0 {
			c.kill()
			killed[old.Identity] = r.mark("leader %s killed", old.Identity)
		} else {
			r.mark("leader %s asked to stop", old.Identity)
			c.stop()
			stopped[old.Identity] = true
		}
		r.leader(o, old.Identity)
		all = append(all, r.start("scheduler", c.plan, []func(*plan){func(p *plan) { p.Name = r.name("scheduler") }}).awaitReady())
	}
	r.settle()
	takeover, handedOver := r.successions(killed, stopped)
	r.within("takeover in", takeover, succession)
	r.within("handed over in", handedOver, handover)
}

// successions measures by the schedulers' own logs how long it took at most from the
// kill of a leader, and from the end of the term of one that was stopped, until the next
// one was elected.
func (r *rig) successions(killed map[string]time.Time, stopped map[string]bool) (takeover, handedOver time.Duration) {
	r.Helper()
	terms, seen := r.terms(), 0
	for i := range len(terms) - 1 {
		old, next := terms[i], terms[i+1]
		if next.who == old.who {
			continue
		}
		if at, ok := killed[old.who]; ok {
			takeover = max(takeover, next.from.Sub(at))
			seen++
		}
		if stopped[old.who] {
			handedOver = max(handedOver, next.from.Sub(old.to))
			seen++
		}
	}
	if want := len(killed) + len(stopped); seen < want {
		r.missed("%d successions in the logs, want %d: %+v", seen, want, terms)
	}
	return takeover, handedOver
}

// lookMark is in every request by which a leader looks for what is due: the most
// schedules that it wants to see.
var lookMark = []byte("\r\n$3\r\n500\r\n")

// leaderFrozen freezes leaders in the moment in which they have asked what is due,
// until another one has fired it.
func leaderFrozen(r *rig) {
	server := r.redis()
	r.worker()
	proxies := map[string]*redistest.Proxy{}
	var all []*process
	start := time.Now().Truncate(time.Second).Add(4 * time.Second)
	p := plan{Schedules: schedulesOf, Start: start, End: start.Add(25 * time.Second)}
	r.expect(&p)
	for range 2 {
		proxy, url := r.proxy(server)
		c := r.start("scheduler", p, []func(*plan){through(url)})
		proxies[c.plan.Name] = proxy
		all = append(all, c)
	}
	for _, c := range all {
		c.awaitReady()
	}
	o := r.observer()
	var longest time.Duration
	for range 2 {
		r.pause(time.Duration(500+r.random.IntN(1500)) * time.Millisecond)
		old := r.leader(o, "")
		c := replica(all, old)
		frozen := make(chan time.Time, 1)
		var once sync.Once
		proxies[old.Identity].CutReplies(0, nil)
		proxies[old.Identity].CutReplies(1, func(request []byte) bool {
			if bytes.Contains(request, lookMark) && bytes.Contains(request, []byte("{@sched}")) {
				once.Do(func() { c.freeze(); frozen <- time.Now() })
			}
			return false // the reply arrives, and is read after the thaw
		})
		at := <-frozen
		r.mark("leader %s frozen after it looked", old.Identity)
		r.leader(o, old.Identity)
		longest = max(longest, time.Since(at))
		r.pause(2 * time.Second) // the other one fires
		c.thaw()
		r.mark("%s goes on", old.Identity)
	}
	r.settle()
	r.result.note("%d writes of old terms refused", r.refusedTerms())
	r.within("takeover in", longest, succession)
}

// schedulersPartitioned cuts the leader off, has another one lead, and lets what the
// old one had sent arrive late.
func schedulersPartitioned(r *rig) {
	server := r.redis()
	r.worker()
	start := time.Now().Truncate(time.Second).Add(4 * time.Second)
	p := plan{Schedules: schedulesOf, Start: start, End: start.Add(30 * time.Second)}
	r.expect(&p)
	proxies := map[string]*redistest.Proxy{}
	for range 2 {
		proxy, url := r.proxy(server)
		c := r.start("scheduler", p, []func(*plan){through(url)}).awaitReady()
		proxies[c.plan.Name] = proxy
	}
	o := r.observer()
	var longest time.Duration
	for range 2 {
		r.pause(time.Duration(500+r.random.IntN(1500)) * time.Millisecond)
		old := r.leader(o, "")
		at := r.cutOffFiring(proxies[old.Identity])
		r.mark("leader %s cut off", old.Identity)
		next := r.leader(o, old.Identity)
		longest = max(longest, time.Since(at))
		if next.Term <= old.Term {
			r.missed("term %d after %d", next.Term, old.Term)
		}
		r.pause(2 * time.Second)
		before := r.refusedTerms()
		proxies[old.Identity].Resume()
		r.mark("what %s sent arrives", old.Identity)
		redistest.Eventually(r.T, patience, "a write of the old term is refused", func() bool { return r.refusedTerms() > before })
	}
	r.settle()
	r.result.note("%d writes of old terms refused", r.refusedTerms())
	r.within("takeover in", longest, succession)
}

// fireMark is in every request by which a leader fires: the entry of a tick.
var fireMark = []byte("every-")

// cutOffFiring cuts a leader off while its firing of ticks is on the way to Redis. The
// way is made long enough for that.
func (r *rig) cutOffFiring(proxy *redistest.Proxy) time.Time {
	r.Helper()
	proxy.Delay(20 * time.Millisecond)
	sent := make(chan struct{})
	var once sync.Once
	proxy.CutReplies(1, func(request []byte) bool {
		if bytes.Contains(request, fireMark) && bytes.Contains(request, []byte("{@sched}:outbox")) {
			once.Do(func() { close(sent) })
		}
		return false // nothing is to be lost
	})
	select {
	case <-sent:
	case <-time.After(redistest.Stretch * patience):
		r.Fatal("the leader fires nothing")
	}
	proxy.Freeze()
	at := time.Now()
	proxy.CutReplies(0, nil)
	proxy.Delay(0)
	return at
}

// term is a time in which a scheduler led, as its own log tells.
type term struct {
	who      string
	from, to time.Time
}

var termLine = regexp.MustCompile(`(?m)^time=(\S+) .*msg=(elected|"term ends") `)

// terms gives all leaderships, in the order in which they began.
func (r *rig) terms() []term {
	r.Helper()
	var all []term
	for _, c := range r.children {
		if c.plan.Role != "scheduler" {
			continue
		}
		for _, line := range termLine.FindAllStringSubmatch(r.wholeLogOf(c.plan.Name), -1) {
			at, err := time.Parse(time.RFC3339Nano, line[1])
			if err != nil {
				r.Fatal(err)
			}
			if line[2] == "elected" {
				all = append(all, term{who: c.plan.Name, from: at})
			} else {
				all[len(all)-1].to = at
			}
		}
	}
	slices.SortFunc(all, func(a, b term) int { return a.from.Compare(b.from) })
	return all
}

// fired waits until the last tick of the row has been enqueued.
func (r *rig) fired() {
	r.Helper()
	if r.lastTick.IsZero() {
		return
	}
	r.pause(time.Until(r.lastTick))
	ctx := context.WithoutCancel(r.Context())
	client := r.client()
	ok := waitFor(r.T, patience, func() bool {
		left, err := client.ZRangeWithScores(ctx, r.namespace+":{@sched}:next", 0, -1).Result()
		outbox, outboxErr := client.ZCard(ctx, r.namespace+":{@sched}:outbox").Result()
		return err == nil && outboxErr == nil && len(left) == 0 && outbox == 0
	})
	if !ok {
		r.missed("the schedules have not come to their end")
	}
}
