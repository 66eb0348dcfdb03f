package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// The randomized test of steps: workers take one job through steps, sleeps and waits for
// signals, while senders signal, times run out, leases are lost, an operator retries, and calls
// are lost, repeated and late. What Redis answers is checked against what it has answered
// before: who was told what, is never told otherwise.

// stepWorld is one run of it.
type stepWorld struct {
	*world

	id    string
	runs  []*stepRun        // of handlers that believe that they run; the last one does
	kept  map[string]string // results, by step
	naps  map[string]int64  // until when each sleep is
	waits map[string]int64  // until when each wait is
	came  map[string]string // accepted signals: key and value
	over  map[string]bool   // waits of which a handler was told that they are in vain
	sent  int

	due    int64    // until when the job was to sleep last, for signals; 0: it did not
	asleep []string // which
}

// stepRun is one run of the handler.
type stepRun struct {
	claim *StepClaim
	lease *Lease
	n     int // steps that it knows to be kept
}

func newStepWorld(t *rapid.T, w *world) *stepWorld {
	s := &stepWorld{world: w, kept: map[string]string{}, naps: map[string]int64{}, waits: map[string]int64{}, came: map[string]string{}, over: map[string]bool{}}
	j := &NewJob{ID: "job", Envelope: &Envelope{Kind: "a", MaxAttempts: 1000, Timeout: time.Second, EnqueuedAt: time.UnixMilli(1), Args: []byte("{}"), OwnID: true}}
	if err := j.encode(w.p); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.p.enqueue(w.ctx, newWriterKeys(w.p, "lane"), 1, []*NewJob{j}, nil); err != nil {
		t.Fatal(err)
	}
	s.id = j.ID
	return s
}

var stepOps = []struct {
	weight int
	run    func(*stepWorld, *rapid.T)
}{
	{8, (*stepWorld).claim},
	{12, (*stepWorld).keep},
	{6, (*stepWorld).nap},
	{14, (*stepWorld).wait},
	{16, (*stepWorld).suspend},
	{12, (*stepWorld).send},
	{4, (*stepWorld).fail},
	{4, (*stepWorld).lose},
	{2, (*stepWorld).again},
	{5, (*stepWorld).passes},
}

func (s *stepWorld) run(t *rapid.T) {
	var deck []int
	for i, op := range stepOps {
		deck = append(deck, slices.Repeat([]int{i}, op.weight)...)
	}
	t.Repeat(map[string]func(*rapid.T){
		"":     s.check,
		"step": func(t *rapid.T) { stepOps[rapid.SampledFrom(deck).Draw(t, "op")].run(s, t) },
	})
}

// check: the job is where it must be, and nothing is kept that nobody was told of.
func (s *stepWorld) check(t *rapid.T) {
	raw := readRaw(s.ctx, t, s.p)
	if faults := raw.unsound(); len(faults) > 0 {
		t.Fatal(strings.Join(faults, "\n"))
	}
	all, err := s.p.Steps(s.ctx, s.id)
	if err != nil || len(all.Signals) != len(s.came) {
		t.Fatalf("signals %+v, %v; those that came are %v", all, err, s.came)
	}
	if !s.sleeps(raw.scores[colScheduled]) {
		return // it runs, is in line, or waits for a retry
	}
	for _, name := range s.asleep {
		if _, came := s.came[name]; came {
			t.Fatalf("the job sleeps for signal %s, which is there", name)
		}
	}
}

// sleeps says whether the job sleeps for signals.
func (s *stepWorld) sleeps(scheduled map[string]int64) bool {
	due, waits := scheduled[s.id]
	return waits && due == s.due
}

// holder gives the run that Redis takes for the one that runs; nil: there is none.
func (s *stepWorld) holder() *stepRun {
	token := s.engine.client.HGet(s.ctx, s.p.key(colRunning), s.id).Val()
	for _, r := range s.runs {
		if token == fmt.Sprintf("%s:%d", r.claim.Lease, r.claim.Seq) {
			return r
		}
	}
	return nil
}

// drawRun gives a run that believes that it runs; most often the one that does.
func (s *stepWorld) drawRun(t *rapid.T) *stepRun {
	if r := s.holder(); r != nil && !chance(t, "an old run", 4) {
		return r
	}
	if len(s.runs) == 0 {
		return nil
	}
	return rapid.SampledFrom(s.runs).Draw(t, "run")
}

// judge says whether the answer to a run was right to be refused; true: it was not refused.
func (s *stepWorld) judge(t *rapid.T, r *stepRun, err error) bool {
	if errors.Is(err, drayhorse.ErrLeaseLost) {
		if r == s.holder() {
			t.Fatalf("the run that runs is refused: %v", err)
		}
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	if r != s.holder() {
		t.Fatal("a run that has lost the job is taken at its word")
	}
	return true
}

func (s *stepWorld) claim(t *rapid.T) {
	l := s.newLease()
	reply := s.engine.RunTurns(s.ctx, &Turn{Lease: l, Want: 1, Suspect: true})[0]
	if reply.Err != nil {
		t.Fatal(reply.Err)
	}
	if len(reply.Claims) == 0 {
		return
	}
	r := &stepRun{claim: &StepClaim{s.p, s.id, l.Name, reply.Claims[0].Seq}, lease: l}
	all, now, err := r.claim.Steps(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	r.n = len(all.Steps)
	if r.n != len(s.kept)+len(s.naps) {
		t.Fatalf("a new run finds %d steps, of %d", r.n, len(s.kept)+len(s.naps))
	}
	for _, step := range all.Steps {
		if step.Type == drayhorse.StepRun && s.kept[step.Name] != string(step.Result) || step.Type == drayhorse.StepSleep && s.naps[step.Name] != step.Until.UnixMilli() {
			t.Fatalf("a new run finds %+v at %v; kept were %v and %v", step, now, s.kept, s.naps)
		}
	}
	for _, w := range all.Waits {
		if w.TimedOut != s.over[w.Name] {
			t.Fatalf("a new run finds %+v; told was %v", w, s.over[w.Name])
		}
	}
	s.runs = append(s.runs, r)
}

// times is how often a call is made: its answer was lost.
func times(t *rapid.T) int { return rapid.IntRange(1, 2).Draw(t, "times") }

func (s *stepWorld) keep(t *rapid.T) {
	r := s.drawRun(t)
	if r == nil {
		return
	}
	name, result := s.newName("run"), fmt.Sprint(len(s.runs))
	n := r.n + 1
	for range times(t) {
		if !s.judge(t, r, r.claim.Keep(s.ctx, n, name, []byte(result))) {
			return
		}
		s.kept[name], r.n = result, n
	}
}

func (s *stepWorld) nap(t *rapid.T) {
	r := s.drawRun(t)
	if r == nil {
		return
	}
	name, n := s.newName("nap"), r.n+1
	for range times(t) {
		until, _, err := r.claim.Sleep(s.ctx, n, name, time.Duration(rapid.IntRange(1, 3).Draw(t, "ms"))*time.Millisecond)
		if !s.judge(t, r, err) {
			return
		}
		if known, ok := s.naps[name]; ok && known != until.UnixMilli() {
			t.Fatalf("a sleep until %d is one until %d", known, until.UnixMilli())
		}
		s.naps[name], r.n = until.UnixMilli(), n
	}
}

var stepSignals = []string{"s1", "s2", "s3.x", "s3"}

func (s *stepWorld) wait(t *rapid.T) {
	r := s.drawRun(t)
	if r == nil {
		return
	}
	name := rapid.SampledFrom(stepSignals).Draw(t, "name")
	s.look(t, r, name)
}

// look looks for a signal, and reports whether it is still to be waited for.
func (s *stepWorld) look(t *rapid.T, r *stepRun, name string) (until time.Time, waits bool) {
	timeout := time.Duration(rapid.SampledFrom([]int{0, 1, 2, 60_000}).Draw(t, "timeout ms")) * time.Millisecond
	w, err := r.claim.Wait(s.ctx, name, timeout)
	if !s.judge(t, r, err) {
		return until, false
	}
	signal, came := s.came[name]
	_, payload, _ := strings.Cut(signal, "|")
	known, begun := s.waits[name]
	switch {
	case w.Came != came, w.Came && string(w.Payload) != payload:
		t.Fatalf("wait for %s: %+v, came %v %s", name, w, came, payload)
	case w.Came && s.over[name]:
		t.Fatalf("signal %s came, and the handler was told that it would not", name)
	case s.over[name] && !w.TimedOut:
		t.Fatalf("the wait for %s was over, and is not", name)
	case begun && !w.Came && known != w.Until.UnixMilli():
		t.Fatalf("the wait for %s until %d is one until %d", name, known, w.Until.UnixMilli())
	case w.TimedOut && w.Now.Before(w.Until):
		t.Fatalf("the wait for %s is over before its time: %+v", name, w)
	case !w.Came && !w.TimedOut && !w.Now.Before(w.Until):
		t.Fatalf("the wait for %s is not over after its time: %+v", name, w)
	}
	if !w.Came {
		s.waits[name] = w.Until.UnixMilli()
	}
	s.over[name] = s.over[name] || w.TimedOut
	return w.Until, !w.Came && !w.TimedOut
}

// suspend has the job sleep for signals: between the look and the turn, much may happen.
func (s *stepWorld) suspend(t *rapid.T) {
	r := s.holder()
	if r == nil {
		return
	}
	sleep := &Sleep{}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(stepSignals), 1, 2, rapid.ID).Draw(t, "names") {
		until, waits := s.look(t, r, name)
		if waits {
			sleep.Signals = append(sleep.Signals, name)
			if sleep.Until.IsZero() || until.Before(sleep.Until) {
				sleep.Until = until
			}
		}
	}
	if len(sleep.Signals) == 0 {
		return
	}
	for range rapid.IntRange(0, 2).Draw(t, "meanwhile") {
		rapid.SampledFrom([]func(*stepWorld, *rapid.T){(*stepWorld).send, (*stepWorld).lose, (*stepWorld).passes}).Draw(t, "what")(s, t)
	}
	s.finish(t, r, Finish{Outcome: Snooze, Sleep: sleep})
}

func (s *stepWorld) fail(t *rapid.T) {
	if r := s.holder(); r != nil {
		delay := time.Duration(rapid.SampledFrom([]int{0, 60_000}).Draw(t, "backoff")) * time.Millisecond
		s.finish(t, r, Finish{Outcome: Fail, Delay: delay})
	}
}

// finish makes the turn that finishes a run, perhaps twice.
func (s *stepWorld) finish(t *rapid.T, r *stepRun, f Finish) {
	f.ID, f.Seq = s.id, r.claim.Seq
	if f.Outcome == Fail {
		f.Error = &drayhorse.AttemptError{Attempt: 1, At: time.UnixMilli(2), Message: "it failed"}
	}
	held := r == s.holder()
	turn := &Turn{Lease: r.lease, Finishes: []Finish{f}}
	for range times(t) {
		reply := s.engine.RunTurns(s.ctx, turn)[0]
		if lost := errors.Is(reply.Err, drayhorse.ErrLeaseLost); reply.Err != nil && !lost || lost && held {
			t.Fatal(reply.Err)
		}
	}
	if held && s.holder() == r {
		t.Fatal("what was finished still runs")
	}
	if held && f.Sleep != nil {
		s.due, s.asleep = readRaw(s.ctx, t, s.p).scores[colScheduled][s.id], f.Sleep.Signals
	} else if held {
		s.due = 0
	}
}

func (s *stepWorld) send(t *rapid.T) {
	name, key := rapid.SampledFrom(stepSignals).Draw(t, "name"), fmt.Sprint("k", rapid.IntRange(1, 2).Draw(t, "key"))
	s.sent++
	payload, _ := json.Marshal(s.sent)
	signal := &Signal{SignalSettings: flow.SignalSettings{Key: key, Sender: "a"}, Name: name, Payload: payload}
	for range times(t) {
		scheduled := readRaw(s.ctx, t, s.p).scores[colScheduled]
		_, waits := scheduled[s.id]
		dozes := waits && (!s.sleeps(scheduled) || !slices.Contains(s.asleep, name))
		before := time.Now().UnixMilli()
		first, err := s.p.Signal(s.ctx, s.id, signal)
		known, came := s.came[name]
		till, begun := s.waits[name]
		switch {
		case came && strings.HasPrefix(known, key+"|"):
			if first || err != nil {
				t.Fatalf("the signal again: %v, %v", first, err)
			}
		case came:
			if !errors.Is(err, drayhorse.ErrSignalled) {
				t.Fatalf("a second signal: %v", err)
			}
		case errors.Is(err, drayhorse.ErrSignalLate):
			if !begun || time.Now().UnixMilli() < till {
				t.Fatalf("signal %s is late before %d", name, till)
			}
		case err != nil:
			t.Fatal(err)
		case begun && before >= till || s.over[name]:
			t.Fatalf("signal %s is taken at %d, after its time %d, told %v", name, before, till, s.over[name])
		default:
			s.came[name] = key + "|" + string(payload)
		}
		if _, still := readRaw(s.ctx, t, s.p).scores[colScheduled][s.id]; dozes && !still {
			t.Fatalf("signal %s woke a job that does not sleep for it", name)
		}
	}
}

// lose has the lease of the run be lost that runs, and the job be rescued.
func (s *stepWorld) lose(t *rapid.T) {
	r := s.holder()
	if r == nil || chance(t, "it lives", 2) {
		return
	}
	for _, score := range s.engine.Observe(s.ctx, s.p)[0].Leases {
		if score.Lease == r.lease.Name {
			if _, err := s.p.Rescue(s.ctx, []Score{score}); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.forgive()
}

// forgive forgets the workers that died with the job: they are not what this test is about.
func (s *stepWorld) forgive() {
	c, counts := s.engine.client, s.p.key(colCounts)
	failed, _, _ := strings.Cut(c.HGet(s.ctx, counts, s.id).Val(), ",")
	if failed == "0" && !c.HExists(s.ctx, s.p.key(colErrors), s.id).Val() {
		c.Del(s.ctx, counts)
	} else if failed != "" {
		c.HSet(s.ctx, counts, s.id, failed+",0")
	}
	for c.RPopLPush(s.ctx, s.p.key(colSuspects), s.p.key(colReady)).Err() == nil {
	}
}

// again is an operator's retry: what waits runs now.
func (s *stepWorld) again(t *rapid.T) {
	if err := s.p.Retry(s.ctx, s.id); err != nil && !errors.Is(err, drayhorse.ErrRunning) {
		t.Fatal(err)
	}
}

func (s *stepWorld) passes(*rapid.T) { time.Sleep(2 * time.Millisecond) }

func stepWorlds(t *testing.T) func(*rapid.T) *stepWorld {
	t.Helper()
	newWorld := redisWorlds(t, redistest.Start(t, redistest.WithUnixSocket()))
	return func(t *rapid.T) *stepWorld { return newStepWorld(t, newWorld(t)) }
}

// TestStepsRace runs it on a redis-server.
func TestStepsRace(t *testing.T) {
	t.Parallel()
	newWorld := stepWorlds(t)
	rapid.Check(t, func(t *rapid.T) { newWorld(t).run(t) })
}

// TestStepsRaceOnACluster is the same in a partition of a queue on a Cluster.
func TestStepsRaceOnACluster(t *testing.T) {
	t.Parallel()
	client := openClient(t, sharedClusterURL(t))
	name := 0
	rapid.Check(t, func(rt *rapid.T) {
		name++
		e := New(client, fmt.Sprintf("%s%d", redistest.Namespace(t), name))
		parts, err := e.CreateQueue(context.Background(), "q", 3)
		if err != nil {
			rt.Fatal(err)
		}
		newStepWorld(rt, &world{ctx: context.Background(), engine: e, p: PartitionOf(parts, "job")}).run(rt)
	})
}

// stepMutants are rules of steps that are broken on purpose.
var stepMutants = []struct {
	name     string
	script   *script
	from, to string
}{
	{"a step needs no claim", stepScript, "call('HGET', running, id) ~= token", "call('HEXISTS', running, id) == 0"},
	{"a repeat sleeps anew", stepScript, "then return {now, tonumber(till), '', ''} end", "then return {now, now + tonumber(value), '', ''} end"},
	{"steps are not counted", stepScript, "set_steps(id, number, waits, names, #row)", "set_steps(id, n, waits, names, #row)"},
	{"each attempt waits anew", stepScript, "till, state = till or now + tonumber(value), state or 'o'", "till, state = now + tonumber(value), state or 'o'"},
	{"nobody is told that the time is over", stepScript, "if till <= now then state = 't' end", ""},
	{"a wait sees no signal", stepScript, "if signal then return", "if signal and not till then return"},
	{"a turn looks for no signal", turnScript, "'/@' .. name .. '/0') == 1 then return 0 end", "'/@' .. name .. '/0') == 2 then return 0 end"},
	{"a turn does not note what is waited for", turnScript, "if names ~= '' and reported then", "if false then"},
	{"a signal wakes nobody", signalScript, "unschedule({id})\n  available('LPUSH', {id})", ""},
	{"a signal is never late", signalScript, "if till and (state == 't' or till <= now) then", "if false then"},
	{"the last signal stays", signalScript, "if first then return redis.error_reply", "if false then return redis.error_reply"},
	{"a signal has no key", signalScript, "if first == key then return 0 end", ""},
	{"a signal leaves no name", signalScript, "names .. name .. ';', #row", "names, #row"},
	{"a signal counts no bytes", signalScript, "names .. name .. ';', #row", "names .. name .. ';', 0"},
	{"a signal cuts a backoff short", signalScript, "tonumber(call('ZSCORE', scheduled, id) or 0) == tonumber(due)", "call('ZSCORE', scheduled, id)"},
}

// TestStepsRaceNoticesMutants is not parallel: the scripts belong to all tests.
func TestStepsRaceNoticesMutants(t *testing.T) { //nolint:paralleltest // see above
	server := redistest.Start(t, redistest.WithUnixSocket())
	newWorld := redisWorlds(t, server)
	for i, m := range stepMutants {
		if !*allMutants && i%8 != 0 {
			continue
		}
		t.Run(m.name, func(t *testing.T) { //nolint:paralleltest // see above
			mutate(t, server, m.script, m.from, m.to)
			if !noticedBy(func(t *rapid.T) { newStepWorld(t, newWorld(t)).run(t) }) {
				t.Errorf("the randomized test does not notice within %d runs", mutantRuns)
			}
		})
	}
}
