package chaos

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// rig is the stage of one row: a Redis, processes that work on it, and the history
// of all.
type rig struct {
	*testing.T
	row       *row
	seed      uint64
	random    *rand.Rand
	namespace string
	dir       string // of the history and the logs
	url       string // where Redis is, without proxies
	admin     *admin.Admin
	journal   *journal // of the faults and the auditor
	children  []*process
	history   history // after settle
	result    *result
	kept      bool // the history is saved
	lossy     bool // what Redis lost is measured, not forbidden
	named     map[string]int
	lastTick  time.Time // of the schedules; zero: there are none
	store     *redis.Client
}

func newRig(t *testing.T, row *row, seed uint64) *rig {
	t.Helper()
	r := &rig{
		T: t, row: row, seed: seed, random: rand.New(rand.NewPCG(seed, 2)), namespace: redistest.Namespace(t),
		dir: t.TempDir(), result: &result{row: row, seed: seed, begin: time.Now()}, named: map[string]int{},
	}
	var err error
	if r.journal, err = openJournal(r.dir, "conductor"); err != nil {
		t.Fatal(err)
	}
	return r
}

// redis starts a server of the row's own.
func (r *rig) redis(opts ...redistest.Option) *redistest.Server {
	r.Helper()
	s := redistest.Start(r.T, opts...)
	r.at(s.URL)
	return s
}

// at says where Redis is.
func (r *rig) at(url string) {
	r.Helper()
	r.url = url
	var err error
	if r.admin, err = admin.New(admin.Config{RedisURL: url, Namespace: r.namespace}); err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = r.admin.Close() })
}

// client reads and writes past the engine.
func (r *rig) client() *redis.Client {
	r.Helper()
	if r.store == nil {
		var err error
		if r.store, err = redis.Open(redis.Config{URL: r.url}); err != nil {
			r.Fatal(err)
		}
		r.Cleanup(func() { _ = r.store.Close() })
	}
	return r.store
}

// proxy stands in front of a server. The URL is what processes behind it get.
func (r *rig) proxy(s *redistest.Server) (proxy *redistest.Proxy, url string) {
	r.Helper()
	proxy = redistest.NewProxy(r.T, s.Addr)
	return proxy, "redis://" + proxy.Addr + "/0"
}

// name numbers the processes of a role.
func (r *rig) name(role string) string {
	r.named[role]++
	return fmt.Sprintf("%s-%d", role, r.named[role])
}

// concurrency of the workers of most rows.
const concurrency = 20

// worker starts a worker, and waits until it works.
func (r *rig) worker(change ...func(*plan)) *process {
	r.Helper()
	return r.start("worker", plan{Concurrency: concurrency, Shutdown: 5 * time.Second}, change).awaitReady()
}

// producer starts a producer of the mix.
func (r *rig) producer(jobs, rate int, change ...func(*plan)) *process {
	r.Helper()
	return r.start("producer", plan{Seed: r.seed, Jobs: jobs, Rate: rate, Callers: 8}, change)
}

func (r *rig) start(role string, p plan, change []func(*plan)) *process {
	r.Helper()
	p.Role, p.Name, p.URL = role, r.name(role), r.url
	for _, c := range change {
		c(&p)
	}
	self, err := os.Executable()
	if err != nil {
		r.Fatal(err)
	}
	return r.spawn(self, p)
}

// through makes a process reach Redis by another URL.
func through(url string) func(*plan) { return func(p *plan) { p.URL = url } }

// only limits the traffic to one kind.
func only(kind string) func(*plan) { return func(p *plan) { p.Only = kind } }

// mark writes a fault, or its end, into the history and gives its time.
func (r *rig) mark(format string, args ...any) time.Time {
	r.Helper()
	e := event{At: time.Now(), What: fault, Said: fmt.Sprintf(format, args...)}
	r.Logf("%6.2fs %s", e.At.Sub(r.result.begin).Seconds(), e.Said)
	r.journal.must(e)
	return e.At
}

// pause lets traffic flow for a while.
func (r *rig) pause(d time.Duration) {
	r.Helper()
	select {
	case <-time.After(d):
	case <-r.Context().Done():
	}
}

// until waits for a fact of the history so far.
func (r *rig) until(usual time.Duration, what string, fact func(history) bool) {
	r.Helper()
	ok := waitFor(r.T, usual, func() bool {
		h, err := readHistory(r.dir)
		return err == nil && fact(h) // an error: somebody writes
	})
	if !ok {
		r.Fatalf("not within %v: %s", redistest.Stretch*usual, what)
	}
}

// produced waits until the producers have enqueued all that they had to.
func (r *rig) produced() {
	r.Helper()
	for _, c := range r.children {
		if c.plan.Role == "producer" {
			select {
			case <-c.exited:
			case <-time.After(redistest.Stretch * patience):
				r.Fatalf("%s does not come to an end\n%s", c.plan.Name, r.logOf(c.plan.Name))
			}
		}
	}
}

// rest waits until no job is left to do and no lease is held.
func (r *rig) rest(usual time.Duration) {
	r.Helper()
	var last string
	ok := waitFor(r.T, usual, func() bool {
		queues, err := r.admin.Queues(r.Context())
		if err != nil {
			last = err.Error()
			return false
		}
		busy := 0
		last = ""
		for _, q := range queues {
			busy += q.Scheduled + q.Available + q.Running + q.Retryable + q.Leases
			last += fmt.Sprintf("%s: %d scheduled, %d available, %d running, %d retryable, %d leases; ",
				q.Name, q.Scheduled, q.Available, q.Running, q.Retryable, q.Leases)
		}
		return busy == 0
	})
	if !ok {
		r.missed("not at rest within %v: %s", redistest.Stretch*usual, last)
	}
}

// waitFor is redistest.Eventually for what may fail without ending the row.
func waitFor(t *testing.T, usual time.Duration, fact func() bool) bool {
	deadline := time.After(redistest.Stretch * usual)
	for {
		if fact() {
			return true
		}
		select {
		case <-deadline:
			return false
		case <-t.Context().Done():
			return false
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// stop ends what still runs, cleanly.
func (r *rig) stop() {
	r.Helper()
	for _, c := range r.children {
		c.stop()
	}
}

// settle lets all jobs end, stops the processes, and has the oracle judge.
func (r *rig) settle() *verdict {
	r.Helper()
	r.produced()
	r.fired()
	r.rest(3 * patience)
	r.stop()
	return r.judge()
}

// judge has the auditor write the last page, and the oracle read all.
func (r *rig) judge() *verdict {
	r.Helper()
	if err := r.audit(); err != nil {
		r.Fatalf("audit: %v", err)
	}
	var err error
	if r.history, err = readHistory(r.dir); err != nil {
		r.Fatal(err)
	}
	v := judge(r.history)
	r.result.verdict = v
	if ticks := r.history.of(expected); len(ticks) > 0 {
		r.result.note("%d ticks", len(ticks))
	}
	if r.lossy {
		return v
	}
	findings := map[string][]string{
		"lost": v.Lost, "unexpected": v.Unexpected, "duplicated": v.Duplicated, "faults": v.Faults, "poisoned": v.Poisoned,
	}
	if r.row.poisons {
		delete(findings, "poisoned")
	}
	for name, of := range findings {
		if len(of) > 0 {
			r.missed("%d %s: %.300q", len(of), name, of)
		}
	}
	return v
}

// missed says that the target of the row is not met.
func (r *rig) missed(format string, args ...any) {
	r.Helper()
	text := fmt.Sprintf(format, args...)
	r.result.missed = append(r.result.missed, text)
	r.Errorf("%s", text)
	r.keep()
}

// within checks a measured time against its target.
func (r *rig) within(what string, took, most time.Duration) {
	r.Helper()
	r.result.note("%s %.1f s", what, took.Seconds())
	if isSmoke() {
		most *= redistest.Stretch
	}
	if took > most || took < 0 {
		r.missed("%s: %v, want at most %v", what, took, most)
	}
}

// atMost checks a count against its bound.
func (r *rig) atMost(what string, n, most int) {
	r.Helper()
	if n > most {
		r.missed("%s: %d, want at most %d", what, n, most)
	}
}

// atLeast checks a count against the least that shows that the row did what it is for.
func (r *rig) atLeast(what string, n, least int) {
	r.Helper()
	if n < least {
		r.missed("%s: %d, want at least %d", what, n, least)
	}
}

// rerunOnly checks that nothing ran again but what was in flight, and no oftener.
func (r *rig) rerunOnly(v *verdict, inFlight map[string]bool) {
	r.Helper()
	times := map[string]int{}
	for _, key := range v.Rerun {
		if times[key]++; !inFlight[key] || times[key] > 1 {
			r.missed("%s ran again, %d times, and was in flight: %v", key, times[key], inFlight[key])
		}
	}
}

// logOf gives the last words of a process.
func (r *rig) logOf(name string) string {
	text := r.wholeLogOf(name)
	return text[max(0, len(text)-3000):]
}

func (r *rig) wholeLogOf(name string) string {
	text, err := os.ReadFile(filepath.Join(r.dir, name+".log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// keep saves the history of a row that failed.
func (r *rig) keep() {
	r.Helper()
	if r.kept {
		return
	}
	r.kept = true
	dir, err := os.MkdirTemp("", "chaos-"+r.row.name+"-")
	if err == nil {
		err = os.CopyFS(filepath.Join(dir, "history"), os.DirFS(r.dir))
	}
	r.Logf("the history is kept in %s (%v)", dir, err)
}

// hands reach what the handlers of the row's processes do.
func (r *rig) hands() *hands { return &hands{r.dir} }
