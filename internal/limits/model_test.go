package limits

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/embedded"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

func init() {
	if err := flag.Set("rapid.checks", "25"); err != nil { // a run takes a second with -race
		panic(err)
	}
}

// world is partitions that share a limit, and messages about it that are under way: what was seen of a partition, for
// the one that shares out, and what that grants, for a partition. Any of them is lost, late or comes twice.
type world struct {
	ctx    context.Context //nolint:containedctx // of one run of the test
	engine *jobs.Engine
	limits *Limits
	server *embedded.Standing
	sites  []*site
	limit  drayhorse.Limit

	seen   [][]told     // under way
	grants []jobs.Grant // likewise
	starts []time.Time  // since the limit was last changed
	held   int          // what all partitions could run, after the last step
	untold bool         // the limit was changed, and partitions do not know it yet
	failed string
}

// site is a partition, with the jobs that run and wait there.
type site struct {
	part    *jobs.Partition
	writer  *jobs.Writer
	lease   *jobs.Lease
	running []jobs.Claim
	waiting int
	started int
}

const modelKind = "k"

// newWorld makes a limit over a queue of three partitions, or of a kind in two queues.
func newWorld(t *rapid.T, server *embedded.Standing, client *redis.Client, namespace string) *world {
	w := &world{ctx: context.Background(), server: server}
	sizes := map[string]int{"a": 3}
	w.limit = drayhorse.Limit{Name: "l", Queue: "a"}
	if rapid.Bool().Draw(t, "of a kind in all queues") {
		w.limit = drayhorse.Limit{Name: "l", Kind: modelKind}
		sizes = map[string]int{"a": 1, "b": 3}
	} else if rapid.Bool().Draw(t, "of a kind") {
		w.limit.Kind = modelKind
	}
	w.draw(t)
	w.open(client, namespace, sizes)
	return w
}

// open makes the queues, of so many partitions each, and sets the limit.
func (w *world) open(client *redis.Client, namespace string, sizes map[string]int) {
	w.engine = jobs.New(client, namespace)
	w.limits = New(w.engine, namespace)
	for name, n := range sizes {
		partitions, err := w.engine.CreateQueue(w.ctx, name, n)
		w.must(err)
		for _, p := range partitions {
			w.sites = append(w.sites, &site{part: p, writer: jobs.NewWriter(p), lease: jobs.NewLease(p, "lease")})
		}
	}
	slices.SortFunc(w.sites, func(a, b *site) int { return strings.Compare(a.part.String(), b.part.String()) })
	w.set()
}

func (w *world) close() {
	for _, s := range w.sites {
		s.writer.Close()
	}
}

// draw draws what the limit is.
func (w *world) draw(t *rapid.T) {
	w.limit.Concurrency, w.limit.Rate = 0, drayhorse.Rate{}
	what := rapid.IntRange(1, 3).Draw(t, "at once, rate or both")
	if what&1 != 0 {
		w.limit.Concurrency = rapid.IntRange(1, 8).Draw(t, "at once")
	}
	if what&2 != 0 {
		w.limit.Rate = drayhorse.Rate{Jobs: rapid.IntRange(1, 20).Draw(t, "jobs a second"), Per: time.Second, Burst: rapid.IntRange(1, 6).Draw(t, "burst")}
	}
}

// set has the limit be what was drawn.
func (w *world) set() {
	_, err := w.limits.Set(w.ctx, &w.limit, true, "", "")
	w.must(err)
	w.untold, w.starts = false, nil
	w.held = 1 << 30 // what was granted before may be more
}

func (w *world) must(err error) {
	if err != nil {
		w.fail("%v", err)
	}
}

func (w *world) fail(format string, args ...any) {
	if w.failed == "" {
		w.failed = fmt.Sprintf(format, args...)
	}
}

func (w *world) enqueue(s *site, n int) {
	for range n {
		id, err := jobs.NewID(s.part)
		w.must(err)
		_, err = s.writer.Enqueue(w.ctx, &jobs.NewJob{ID: id, Envelope: &jobs.Envelope{
			Kind: modelKind, MaxAttempts: 25, Timeout: time.Minute, EnqueuedAt: w.server.Now(), Args: []byte(`{}`),
		}})
		w.must(err)
	}
	s.waiting += n
}

// turn ends jobs of a site and claims others.
func (w *world) turn(s *site, want, ends int) {
	ends = min(ends, len(s.running))
	turn := &jobs.Turn{Lease: s.lease, Want: want, Suspect: true}
	for _, c := range s.running[:ends] {
		turn.Finishes = append(turn.Finishes, jobs.Finish{ID: c.ID, Seq: c.Seq, Outcome: jobs.Complete})
	}
	for _, name := range w.engine.Observe(w.ctx, s.part)[0].Lanes {
		turn.Lanes = append(turn.Lanes, name)
	}
	got := w.engine.RunTurns(w.ctx, turn)[0]
	if got.Err != nil {
		w.fail("turn: %v", got.Err)
		return
	}
	s.running = append(slices.Clone(s.running[ends:]), got.Turned.Claims...)
	s.waiting -= len(got.Turned.Claims)
	s.started += len(got.Turned.Claims)
	for range got.Turned.Claims {
		w.starts = append(w.starts, w.server.Now())
	}
}

// look sees what a site has.
func (w *world) look(s *site) []told {
	o := w.engine.Observe(w.ctx, s.part)[0]
	w.must(o.Err)
	var all []told
	for _, share := range o.Shares {
		w.must(share.Err)
		all = append(all, tell(share, true))
	}
	if len(all) != 1 {
		w.fail("%d shares of %v; want that of the limit", len(all), s.part)
	}
	return all
}

// deliver has what was seen arrive, and puts what is granted for it under way.
func (w *world) deliver(seen []told) {
	plan, err := w.limits.plan(w.ctx, w.limit.Name, seen)
	if err != nil {
		w.fail("%v", err)
		return
	}
	w.grants = append(w.grants, plan.grants...)
}

// grant has a grant arrive, and puts the answer under way.
func (w *world) grant(g jobs.Grant) {
	s := w.engine.GrantShares(w.ctx, []jobs.Grant{g})[0]
	w.must(s.Err)
	w.seen = append(w.seen, []told{tell(s, false)})
}

// check holds what runs and starts against the limit.
func (w *world) check(step string) {
	if w.untold {
		return
	}
	held := 0
	for _, s := range w.sites {
		share := w.look(s)[0]
		may := max(len(s.running), share.Most)
		held += may
		if known := w.row(s).most; w.limit.Concurrency > 0 && may > known {
			w.fail("%s: %d run at %v, which has %d; by its row it may have %d", step, len(s.running), s.part, share.Most, known)
		}
	}
	if most := w.limit.Concurrency; most > 0 && held > most && held > w.held {
		w.fail("%s: %d may run, %d before; want %d at most", step, held, w.held, most)
	}
	w.held = held
	rate := w.limit.Rate
	if rate.Jobs == 0 || len(w.starts) == 0 {
		return
	}
	last := w.starts[len(w.starts)-1]
	for i, first := range w.starts {
		n, may := len(w.starts)-i, float64(rate.Burst)+float64(rate.Jobs)*(last.Sub(first)+2*time.Millisecond).Seconds() // two times that are rounded
		if float64(n) > may {
			w.fail("%s: %d started in %v; want %.2f at most of %v in bursts of %d", step, n, last.Sub(first), may, rate, rate.Burst)
			return
		}
	}
}

// modelRow is what a partition may have at most by the row of the limit.
type modelRow struct{ version, to, most int }

func (w *world) row(s *site) (r modelRow) {
	text := w.engine.Client().HGet(w.ctx, w.limits.keys(w.limit.Name)[1], s.part.String()).Val()
	_, _ = fmt.Sscanf(strings.ReplaceAll(text, "|", " "), "%d %d %d", &r.version, &r.to, &r.most)
	return r
}

// step does one thing.
func (w *world) step(t *rapid.T) string {
	s := rapid.SampledFrom(w.sites).Draw(t, "site")
	what := rapid.SampledFrom([]string{
		"enqueue", "turn", "turn", "turn", "look", "look", "arrive", "arrive", "arrive", "grant", "grant", "grant", "time", "change", "whole",
	}).Draw(t, "step")
	switch what {
	case "enqueue":
		w.enqueue(s, rapid.IntRange(1, 5).Draw(t, "jobs"))
	case "turn":
		w.turn(s, rapid.IntRange(0, 5).Draw(t, "want"), rapid.IntRange(0, 3).Draw(t, "ends"))
	case "look":
		w.seen = append(w.seen, w.look(s))
	case "arrive":
		if len(w.seen) > 0 {
			w.deliver(take(t, &w.seen))
		}
	case "grant":
		if len(w.grants) > 0 {
			w.grant(take(t, &w.grants))
		}
	case "time":
		w.pass(time.Duration(rapid.SampledFrom([]int{1, 50, 300, 1000, 6000}).Draw(t, "ms")) * time.Millisecond)
	case "change":
		switch rapid.IntRange(0, 5).Draw(t, "change") {
		case 0:
			w.draw(t)
			w.set()
		case 1: // partitions are told later
			w.draw(t)
			_, err := w.limits.note(w.ctx, &w.limit, true, "", "")
			w.must(err)
			w.untold = true
		default:
			if w.untold {
				w.set()
			}
		}
	case "whole": // what a worker does
		w.must(w.limits.Balance(w.ctx, []jobs.Share{w.look(s)[0].Share}))
	}
	return what
}

// take takes a message that is under way; or a copy of it; or none, which is to say that it was lost.
func take[T any](t *rapid.T, all *[]T) T {
	i := rapid.IntRange(0, len(*all)-1).Draw(t, "message")
	m := (*all)[i]
	if rapid.IntRange(0, 5).Draw(t, "twice") > 0 {
		*all = slices.Delete(*all, i, i+1)
	}
	if rapid.IntRange(0, 7).Draw(t, "lost") == 0 && len(*all) > 0 {
		*all = (*all)[1:]
	}
	return m
}

func (w *world) pass(d time.Duration) { w.server.SetTime(w.server.Now().Add(d)) }

// settle has each worker look each second, as they do, while all sites have work: each of them must come to start some.
func (w *world) settle() {
	w.seen, w.grants = nil, nil
	if w.untold {
		w.set()
	}
	for _, s := range w.sites {
		w.enqueue(s, max(20-s.waiting, 0))
		s.started = 0
	}
	idle := func(s *site) bool { return s.started == 0 }
	for second := 0; second < 60 && w.failed == "" && slices.ContainsFunc(w.sites, idle); second++ {
		for _, s := range w.sites {
			w.turn(s, 1, 100)
			w.turn(s, 0, 100) // it has run
			w.must(w.limits.Balance(w.ctx, []jobs.Share{w.look(s)[0].Share}))
		}
		w.check("settle")
		w.pass(time.Second)
	}
	for _, s := range w.sites {
		if idle(s) {
			w.fail("none started at %v in a minute in which others did: %v", s.part, w.engine.Client().HGetAll(w.ctx, w.limits.keys(w.limit.Name)[1]).Val())
		}
	}
}

// TestSharesAreNeverMoreThanTheLimit: whatever becomes of messages.
func TestSharesAreNeverMoreThanTheLimit(t *testing.T) {
	t.Parallel()
	server, err := embedded.StartAt(time.UnixMilli(1_700_000_000_000))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	client := open(t, server.URL()+redistest.Patient)
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		newWorld(t, server, client, fmt.Sprintf("model%d", n)).run(t)
	})
}

func open(tb testing.TB, url string) *redis.Client {
	tb.Helper()
	client, err := redis.Open(redis.Config{URL: url})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = client.Close() })
	return client
}

// run does steps, and then lets all come to rest.
func (w *world) run(t *rapid.T) {
	defer w.close()
	for range rapid.IntRange(1, 80).Draw(t, "steps") {
		w.check(w.step(t))
		if w.failed != "" {
			t.Fatal(w.failed)
		}
	}
	if w.settle(); w.failed != "" {
		t.Fatal(w.failed)
	}
}
