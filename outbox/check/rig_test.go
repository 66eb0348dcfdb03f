package check

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/outbox"
	"github.com/drayhorse/drayhorse/producer"
)

type mail struct {
	N int `json:"n"`
}

func (mail) Kind() string { return "mail" }

// rig is an outbox in a database, and a namespace in Redis.
type rig struct {
	t         *testing.T
	db        *sql.DB
	box       *outbox.Box
	producer  *producer.Producer
	redis     *goredis.Client
	namespace string
	log       *record
}

// setup makes the tables. change, if not nil, changes the configurations.
func setup(t *testing.T, d *database, change func(*outbox.Config, *producer.Config)) *rig {
	t.Helper()
	r := &rig{t: t, db: d.open(t), namespace: redistest.Namespace(t), log: &record{}}
	box := outbox.Config{DB: r.db, Dialect: d.dialect, Logger: slog.New(slog.NewTextHandler(r.log, nil)), Poll: 5 * time.Millisecond}
	p := producer.Config{RedisURL: redistest.Shared(t), Namespace: r.namespace}
	if change != nil {
		change(&box, &p)
	}
	options, err := goredis.ParseURL(p.RedisURL)
	if err != nil {
		t.Fatal(err)
	}
	r.redis = goredis.NewClient(options)
	t.Cleanup(func() { _ = r.redis.Close() })
	if r.box, err = outbox.New(box); err != nil {
		t.Fatal(err)
	}
	if err := r.box.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r.producer, err = producer.New(p); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.producer.Close() })
	return r
}

// relay runs one until the test ends, or stop is called.
func (r *rig) relay() (stop func()) {
	r.t.Helper()
	return r.relayOf(r.box)
}

func (r *rig) relayOf(box interface {
	Relay(context.Context, *producer.Producer) error
}) (stop func()) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- box.Relay(ctx, r.producer) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Errorf("Relay: %v", err)
		}
	})
	r.t.Cleanup(stop)
	return stop
}

// begin begins a transaction of the application.
func (r *rig) begin() *sql.Tx {
	r.t.Helper()
	tx, err := r.db.BeginTx(r.t.Context(), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = tx.Rollback() })
	return tx
}

// enqueue enqueues in a transaction of its own.
func (r *rig) enqueue(specs ...drayhorse.Spec) {
	r.t.Helper()
	tx := r.begin()
	r.in(tx, specs...)
	r.commit(tx)
}

func (r *rig) in(tx *sql.Tx, specs ...drayhorse.Spec) {
	r.t.Helper()
	if err := r.box.Enqueue(r.t.Context(), tx, specs...); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) commit(tx *sql.Tx) {
	r.t.Helper()
	if err := tx.Commit(); err != nil {
		r.t.Fatal(err)
	}
}

// exec is a statement of somebody else's; {outbox} is the table.
func (r *rig) exec(text string, args ...any) {
	r.t.Helper()
	if _, err := r.db.ExecContext(r.t.Context(), strings.ReplaceAll(text, "{outbox}", outbox.DefaultTable), args...); err != nil {
		r.t.Fatal(err)
	}
}

// drained waits until no row is left.
func (r *rig) drained() {
	r.t.Helper()
	redistest.Eventually(r.t, 30*time.Second, "the table is empty", func() bool {
		s, err := r.box.Status(r.t.Context())
		return err == nil && s.Rows == 0
	})
}

// line is the arguments of a queue's jobs in the order in which they came into line,
// those that still wait.
func (r *rig) line(queue string) []string {
	r.t.Helper()
	return line(r.t, r.redis, r.namespace, queue)
}

func line(t *testing.T, redis *goredis.Client, namespace, queue string) []string {
	t.Helper()
	prefix := fmt.Sprintf("%s:{%s}:", namespace, queue)
	ids, err := redis.LRange(t.Context(), prefix+"ready", 0, -1).Result()
	if err != nil {
		t.Fatal(err)
	}
	args := make([]string, len(ids))
	for i, id := range ids { // the next one is at the right end
		envelope, err := redis.HGet(t.Context(), prefix+"jobs", id).Result()
		if err != nil {
			t.Fatalf("job %q: %v", id, err)
		}
		e, err := jobs.DecodeEnvelope(envelope)
		if err != nil {
			t.Fatal(err)
		}
		args[len(ids)-1-i] = string(e.Args)
	}
	return args
}

// mails are specs with numbers from first on.
func mails(queue string, first, n int) []drayhorse.Spec {
	specs := make([]drayhorse.Spec, n)
	for i := range specs {
		specs[i] = drayhorse.Spec{Args: mail{first + i}, Options: []drayhorse.Option{drayhorse.Queue(queue)}}
	}
	return specs
}

// wantMails checks that a line has the numbers from first on.
func wantMails(t *testing.T, got []string, first, n int) {
	t.Helper()
	if len(got) != n {
		t.Fatalf("%d jobs are in line, want %d", len(got), n)
	}
	for i, args := range got {
		if want := fmt.Sprintf(`{"n":%d}`, first+i); args != want {
			t.Fatalf("job %d in line is %s, want %s", i, args, want)
		}
	}
}

// record keeps what is logged.
type record struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) has(part string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Contains(r.text.String(), part)
}
