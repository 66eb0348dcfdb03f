package check

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/outbox"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

var transactions = flag.Int("outbox.transactions", 1200, "transactions of TestChaos, for each database")

// The queues of TestChaos. A worker empties the last one meanwhile; in the others, all
// stay in line, in the order in which they came.
var (
	standing = []string{"alpha", "beta"}
	worked   = "worked"
)

// order is the arguments of a job: the N-th transaction's I-th.
type order struct {
	N int `json:"n"`
	I int `json:"i"`
}

func (order) Kind() string { return "order" }

// transaction is what the application knows of one of its own.
type transaction struct {
	begun, ended time.Time // before its first statement, after the commit
	jobs         []string  // the queue of each
	committed    bool
}

// TestChaos: while an application commits two transactions of three, and rolls the third
// back, relays are killed ten times and Redis twice. Committed jobs are stored once each,
// the others never, in order, and the table is empty at the end.
func TestChaos(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		redis := redistest.Start(t, redistest.WithAOF())
		r := setup(t, d, func(_ *outbox.Config, p *producer.Config) { p.RedisURL = redis.URL })
		r.exec("CREATE TABLE orders (n INTEGER PRIMARY KEY)")
		runs := work(t, redis.URL, r.namespace)
		begun := time.Now()
		app := &application{rig: r, all: make([]transaction, *transactions)}
		far := redistest.NewProxy(t, redis.Addr) // so that a kill finds what is stored and not deleted
		far.Delay(3 * time.Millisecond)
		relays := &relays{child: child{
			Driver: d.driver, DSN: d.dsn, Dialect: d.dialect, RedisURL: "redis://" + far.Addr + "/0", Namespace: r.namespace, Lease: 300 * time.Millisecond,
		}}
		defer relays.end()
		relays.start(t, 1)
		redistest.Eventually(t, 10*time.Second, "it leads", func() bool {
			var holder string
			err := r.db.QueryRowContext(t.Context(), "SELECT holder FROM drayhorse_outbox_meta").Scan(&holder)
			return err == nil && holder != ""
		})
		relays.start(t, 1)
		app.run(d.dialect, func(part int) {
			redisIsThere := part != 4 && part != 8
			if !redisIsThere {
				redis.Kill()
				defer redis.Restart()
			}
			if part > 0 && part <= 10 {
				if redisIsThere {
					app.awaitMove()
				}
				relays.killOne(t, (part+1)%2) // which leads, since the other one was killed before
			}
		})
		written := time.Since(begun)
		r.drained()
		t.Logf("%d transactions in %v, drained %v later; %d relays were killed, Redis twice",
			len(app.all), written.Round(time.Millisecond), (time.Since(begun) - written).Round(time.Millisecond), relays.killed)
		app.check(runs)
	})
}

// awaitMove waits for a moment in which a relay is at work, right after rows went. It may
// also be that there are none; so it does not wait for long.
func (a *application) awaitMove() {
	var before sql.NullInt64
	for begun := time.Now(); time.Since(begun) < 3*time.Second; {
		var first sql.NullInt64
		err := a.db.QueryRowContext(a.t.Context(), "SELECT MIN(id) FROM "+outbox.DefaultTable).Scan(&first)
		if err == nil && first.Valid && before.Valid && first.Int64 > before.Int64 {
			break
		}
		if err == nil && first.Valid {
			before = first
		}
	}
	time.Sleep(rand.N(8 * time.Millisecond)) // while the next ones are on their way
}

// relays are processes of which there is always one more to be killed.
type relays struct {
	child  child
	all    []*exec.Cmd
	killed int
}

func (r *relays) start(t *testing.T, n int) {
	for range n {
		r.all = append(r.all, r.child.start(t))
	}
}

// killOne kills one and starts another in its place.
func (r *relays) killOne(t *testing.T, i int) {
	kill(r.all[i])
	r.killed++
	r.all[i] = r.child.start(t)
}

func (r *relays) end() {
	for _, cmd := range r.all {
		kill(cmd)
	}
}

// application makes transactions and remembers what it did.
type application struct {
	*rig
	all []transaction
}

// parts is how often something is done to the others.
const parts = 12

// run makes all transactions, in four goroutines, and calls at before each part of them.
func (a *application) run(dialect outbox.Dialect, at func(part int)) {
	a.t.Helper()
	writers := 4
	if dialect == outbox.SQLite {
		writers = 2 // of which one waits for the other
	}
	for part := range parts {
		first, end := part*len(a.all)/parts, (part+1)*len(a.all)/parts
		var next atomic.Int64
		next.Store(int64(first))
		var writing sync.WaitGroup
		for range writers {
			writing.Go(func() {
				for n := int(next.Add(1)) - 1; n < end; n = int(next.Add(1)) - 1 {
					if err := a.one(n); err != nil {
						a.t.Errorf("transaction %d: %v", n, err)
						return
					}
				}
			})
		}
		at(part) // beside the writers
		writing.Wait()
		if a.t.Failed() {
			a.t.FailNow()
		}
	}
}

var errOnPurpose = errors.New("rolled back on purpose")

// one makes a transaction: a row of the application's, and one to four jobs.
func (a *application) one(n int) error {
	me := &a.all[n]
	me.begun = time.Now()
	err := a.transact(func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(a.t.Context(), fmt.Sprintf("INSERT INTO orders (n) VALUES (%d)", n)); err != nil {
			return err
		}
		var specs []drayhorse.Spec
		for i := range 1 + rand.IntN(4) {
			queue := standing[rand.IntN(len(standing))]
			if i == 1 {
				queue = worked
			}
			me.jobs = append(me.jobs, queue)
			options := []drayhorse.Option{drayhorse.Queue(queue)}
			if n%2 == 0 {
				options = append(options, drayhorse.ID(fmt.Sprintf("order-%d-%d", n, i)))
			}
			specs = append(specs, drayhorse.Spec{Args: order{n, i}, Options: options})
		}
		if err := a.box.Enqueue(a.t.Context(), tx, specs...); err != nil {
			return err
		}
		if n%10 == 0 { // others overtake it
			time.Sleep(time.Duration(rand.IntN(5)) * time.Millisecond)
		}
		if n%3 == 2 {
			return errOnPurpose
		}
		return nil
	})
	me.ended, me.committed = time.Now(), err == nil
	if errors.Is(err, errOnPurpose) {
		err = nil
	}
	return err
}

func (a *application) transact(do func(*sql.Tx) error) error {
	tx, err := a.db.BeginTx(a.t.Context(), nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// check compares what is in Redis with what was committed.
func (a *application) check(runs *runs) {
	a.t.Helper()
	var rows, committed int
	for _, tx := range a.all {
		if tx.committed {
			committed++
		}
	}
	if err := a.db.QueryRowContext(a.t.Context(), "SELECT COUNT(*) FROM orders").Scan(&rows); err != nil || rows != committed || committed < len(a.all)/2 {
		a.t.Fatalf("%d rows of the application's, %d transactions were committed of %d: %v", rows, committed, len(a.all), err)
	}
	jobs := 0
	for _, queue := range standing {
		jobs += a.checkLine(queue)
	}
	want := map[order]int{}
	for n, tx := range a.all {
		for i, queue := range tx.jobs {
			if tx.committed && queue == worked {
				want[order{n, i}] = 1
			}
		}
	}
	redistest.Eventually(a.t, 20*time.Second, "all jobs have run", func() bool { return runs.len() >= len(want) })
	a.compare(worked, want, runs.counts())
	for _, queue := range append([]string{worked}, standing...) { // a job that came twice counts also when it is gone
		stored, err := a.redis.HGet(a.t.Context(), fmt.Sprintf("%s:{%s}:stats", a.namespace, queue), "enqueued").Int()
		if n := a.committedIn(queue); err != nil || stored != n {
			a.t.Errorf("queue %s has stored %d jobs, want %d: %v", queue, stored, n, err)
		}
	}
	a.t.Logf("%d of %d transactions were committed; %d jobs stand in order, %d have run, each once", committed, len(a.all), jobs, len(want))
}

func (a *application) committedIn(queue string) (n int) {
	for _, tx := range a.all {
		for _, q := range tx.jobs {
			if tx.committed && q == queue {
				n++
			}
		}
	}
	return n
}

// checkLine: what stands in line is what was committed, each once, in order.
func (a *application) checkLine(queue string) int {
	a.t.Helper()
	var got []order
	counts, want := map[order]int{}, map[order]int{}
	for _, args := range a.line(queue) {
		var o order
		if err := json.Unmarshal([]byte(args), &o); err != nil {
			a.t.Fatal(err)
		}
		got = append(got, o)
		counts[o]++
	}
	for n, tx := range a.all {
		for i, q := range tx.jobs {
			if tx.committed && q == queue {
				want[order{n, i}] = 1
			}
		}
	}
	a.compare(queue, want, counts)
	a.checkOrder(queue, got)
	return len(got)
}

// checkOrder: no job stands behind one whose transaction began after its own was committed,
// and those of one transaction stand in the order of their specs.
func (a *application) checkOrder(queue string, line []order) {
	a.t.Helper()
	broken, last := 0, map[int]int{}
	soonest, by := time.Now().Add(time.Hour), order{} // end of a transaction, of those behind
	for i := len(line) - 1; i >= 0; i-- {
		tx := a.all[line[i].N]
		if soonest.Before(tx.begun) {
			if broken++; broken == 1 {
				a.t.Errorf("queue %s: %+v stands before %+v, whose transaction was committed %v before its began", queue, line[i], by, tx.begun.Sub(soonest))
			}
		}
		if before, known := last[line[i].N]; known && before < line[i].I {
			a.t.Errorf("queue %s: %+v stands before spec %d", queue, line[i], before)
		}
		last[line[i].N] = line[i].I
		if tx.ended.Before(soonest) {
			soonest, by = tx.ended, line[i]
		}
	}
	if broken > 0 {
		a.t.Errorf("queue %s: %d jobs out of order", queue, broken)
	}
}

func (a *application) compare(queue string, want, got map[order]int) {
	a.t.Helper()
	lost, twice, unexpected := 0, 0, 0
	for o := range want {
		switch {
		case got[o] == 0:
			lost++
		case got[o] > 1:
			twice++
		}
	}
	for o := range got {
		if want[o] == 0 {
			unexpected++
		}
	}
	if lost+twice+unexpected > 0 {
		a.t.Errorf("queue %s: %d jobs lost, %d twice, %d of transactions that were rolled back", queue, lost, twice, unexpected)
	}
}

// runs counts what a worker runs.
type runs struct {
	mu sync.Mutex
	of map[order]int
}

func (r *runs) len() int { r.mu.Lock(); defer r.mu.Unlock(); return len(r.of) }

func (r *runs) counts() map[order]int { r.mu.Lock(); defer r.mu.Unlock(); return r.of }

// work runs a worker until the test ends.
func work(t *testing.T, url, namespace string) *runs {
	t.Helper()
	r := &runs{of: map[order]int{}}
	w, err := worker.New(worker.Config{RedisURL: url, Namespace: namespace, Queues: map[string]int{worked: 1}, Concurrency: 10})
	if err != nil {
		t.Fatal(err)
	}
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[order]) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		if job.Attempt == 1 { // and no rescue: Redis is away for less than the lease
			r.of[job.Args]++
		}
		return nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("worker: %v", err)
		}
	})
	return r
}
