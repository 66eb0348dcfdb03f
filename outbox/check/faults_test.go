package check

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/outbox"
	"github.com/drayhorse/drayhorse/producer"
)

// TestRefusedJobsAreSetAside: what the producer refuses for good holds up nothing, can be
// seen, and comes when its cause is mended and somebody retries it.
func TestRefusedJobsAreSetAside(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		r := setup(t, d, func(_ *outbox.Config, p *producer.Config) { p.MaxArgs = 1000 })
		large := drayhorse.Spec{
			Args:    drayhorse.Raw("mail", []byte(`"`+strings.Repeat("x", 2000)+`"`)),
			Options: []drayhorse.Option{drayhorse.Queue("mail"), drayhorse.ID("large")},
		}
		r.enqueue(mails("mail", 0, 2)...)
		r.enqueue(large)
		r.enqueue(mails("mail", 2, 1)...)
		r.exec("UPDATE {outbox} SET options = '{\"color\":\"red\"}' WHERE id = (SELECT last FROM (SELECT MAX(id) AS last FROM {outbox}) AS rows_now)")
		r.enqueue(mails("mail", 2, 3)...)
		stop := r.relay()
		r.drained()
		stop()
		wantMails(t, r.line("mail"), 0, 5)
		refused, err := r.box.Refused(t.Context(), 0, 10)
		if err != nil || len(refused) != 2 {
			t.Fatalf("refused = %+v, %v, want two", refused, err)
		}
		first := refused[0]
		if first.JobID != "large" || first.Queue != "mail" || first.Kind != "mail" || first.Size < 2000 ||
			!strings.Contains(first.Reason, "at most 1000 are allowed") || time.Since(first.RefusedAt).Abs() > 10*time.Minute {
			t.Errorf("refused = %+v", first)
		}
		if !strings.Contains(refused[1].Reason, `unknown field "color"`) {
			t.Errorf("refused = %+v", refused[1])
		}
		if !r.log.has("is refused and set aside") {
			t.Error("the log does not say so")
		}
		if err := r.box.Discard(t.Context(), refused[1].ID); err != nil {
			t.Error(err)
		}
		if err := r.box.Retry(t.Context(), refused[1].ID); !errors.Is(err, drayhorse.ErrNotFound) {
			t.Errorf("a retry of one that is gone: %v", err)
		}
		if err := r.box.Retry(t.Context(), first.ID); err != nil {
			t.Fatal(err)
		}
		mended := &rig{t: t, db: r.db, box: r.box, redis: r.redis, namespace: r.namespace, log: r.log}
		if mended.producer, err = producer.New(producer.Config{RedisURL: redistest.Shared(t), Namespace: r.namespace}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = mended.producer.Close() })
		mended.relay()
		r.drained()
		if _, err := r.producer.Get(t.Context(), "large", drayhorse.Queue("mail")); err != nil {
			t.Errorf("the job that was retried: %v", err)
		}
		if s, err := r.box.Status(t.Context()); err != nil || s != (outbox.Status{}) {
			t.Errorf("status = %+v, %v, want nothing", s, err)
		}
	})
}

// TestAQueueThatFailsHoldsUpNoOther: its rows stay, in order, until Redis takes them.
func TestAQueueThatFailsHoldsUpNoOther(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		r := setup(t, d, nil)
		key := fmt.Sprintf("%s:{broken}:jobs", r.namespace)
		if err := r.redis.Set(t.Context(), key, "not a hash", 0).Err(); err != nil {
			t.Fatal(err)
		}
		r.relay()
		for i := range 5 {
			r.enqueue(mails("broken", 300*i, 300)...)
			r.enqueue(mails("mail", 10*i, 10)...)
			redistest.Eventually(t, 20*time.Second, "the others are in line", func() bool { return len(r.line("mail")) == 10*(i+1) })
		}
		redistest.Eventually(t, 20*time.Second, "the log says so", func() bool { return r.log.has("the outbox waits for redis") && r.log.has("queue=broken") })
		if s, err := r.box.Status(t.Context()); err != nil || s.Rows != 1500 {
			t.Errorf("status = %+v, %v, want 1500 rows", s, err)
		}
		if err := r.redis.Del(t.Context(), key).Err(); err != nil {
			t.Fatal(err)
		}
		r.drained()
		wantMails(t, r.line("broken"), 0, 1500)
		wantMails(t, r.line("mail"), 0, 50)
		redistest.Eventually(t, time.Second, "the log says that it goes on", func() bool { return r.log.has("the outbox goes on") })
	})
}

// TestRedisAway: nothing is lost or doubled while Redis is away, and the log says so.
func TestRedisAway(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		redis := redistest.Start(t, redistest.WithAOF())
		r := setup(t, d, func(_ *outbox.Config, p *producer.Config) { p.RedisURL = redis.URL })
		r.relay()
		r.enqueue(mails("mail", 0, 10)...)
		r.drained()
		redis.Kill()
		r.enqueue(mails("mail", 10, 1500)...)
		redistest.Eventually(t, 20*time.Second, "the log says so", func() bool { return r.log.has("the outbox waits for redis") })
		redis.Restart()
		r.drained()
		wantMails(t, r.line("mail"), 0, 1510)
	})
}

// TestLostRepliesMakeNoCopies: also jobs that have run meanwhile are not stored again.
func TestLostRepliesMakeNoCopies(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		r := setup(t, d, nil)
		r.enqueue(mails(worked, 0, 500)...)
		r.exec("CREATE TABLE kept AS SELECT * FROM {outbox}")
		stop := r.relay()
		r.drained()
		stop()
		for range 2 { // as if a relay had died before it deleted what it had moved
			for id := range r.ids(worked) {
				if err := r.producer.Cancel(t.Context(), id, drayhorse.Queue(worked)); err != nil && !errors.Is(err, drayhorse.ErrNotFound) {
					t.Fatal(err)
				}
			}
			columns := "queue, job_id, kind, args, options, size, created_ms"
			r.exec("INSERT INTO {outbox} (" + columns + ") SELECT " + columns + " FROM kept ORDER BY id")
			stop = r.relay()
			r.drained()
			stop()
		}
		if n, err := r.redis.HGet(t.Context(), fmt.Sprintf("%s:{%s}:stats", r.namespace, worked), "enqueued").Int(); err != nil || n != 500 {
			t.Errorf("%d jobs were stored, %v, want 500", n, err)
		}
	})
}

// ids are those of the rows that the test kept.
func (r *rig) ids(queue string) map[string]bool {
	r.t.Helper()
	rows, err := r.db.QueryContext(r.t.Context(), "SELECT job_id FROM kept WHERE queue = '"+queue+"'")
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	all := map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			r.t.Fatal(err)
		}
		all[id] = true
	}
	if err := rows.Err(); err != nil {
		r.t.Fatal(err)
	}
	return all
}

// TestDatabaseAway: the relay waits for its database, and for its tables.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	for _, start := range []func(testing.TB) *server{postgres, mariadb} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			s := start(t)
			t.Cleanup(func() { _ = s.remove() })
			r := setup(t, s.database(t), nil)
			r.exec("DROP TABLE {outbox}_meta")
			r.relay()
			redistest.Eventually(t, 20*time.Second, "the log says what to do", func() bool { return r.log.has("call Migrate") })
			if err := r.box.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.enqueue(mails("mail", 0, 10)...)
			r.drained()
			_ = s.kill()
			redistest.Eventually(t, 20*time.Second, "the log says that it is away", func() bool { return r.log.has("read drayhorse_outbox") })
			s.start()
			redistest.Eventually(t, 20*time.Second, "enqueues succeed again", func() bool {
				tx, err := r.db.BeginTx(t.Context(), nil)
				if err != nil {
					return false
				}
				defer func() { _ = tx.Rollback() }()
				return r.box.Enqueue(t.Context(), tx, mails("mail", 10, 5)...) == nil && tx.Commit() == nil
			})
			r.drained()
			wantMails(t, r.line("mail"), 0, 15)
		})
	}
}

// TestABatchIsOneCall: the jobs that one read gives for a queue are stored all or none.
// Otherwise one could be stored although one before it was not. Each read ends in one
// delete, which a trigger counts.
func TestABatchIsOneCall(t *testing.T) {
	t.Parallel()
	for _, size := range []int{10, 500, 4000, 700_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			r := setup(t, onePostgres.get(t).database(t), nil)
			r.exec("CREATE TABLE deletes (n INTEGER)")
			r.exec("CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO deletes VALUES (1); RETURN NULL; END'")
			r.exec("CREATE TRIGGER noted AFTER DELETE ON {outbox} FOR EACH STATEMENT EXECUTE FUNCTION note()")
			rows := min(2500, 5_000_000/size)
			var specs []drayhorse.Spec
			for i := range rows {
				specs = append(specs, drayhorse.Spec{ // names and options as long as they can be
					Args: drayhorse.Raw(strings.Repeat("k", 128), []byte(`"`+strings.Repeat("x", size-2)+`"`)),
					Options: []drayhorse.Option{drayhorse.Queue("mail"), drayhorse.ID(fmt.Sprintf("%0128d", i)),
						drayhorse.Timeout(time.Hour), drayhorse.MaxAttempts(1 << 30), drayhorse.Retain(time.Hour)},
				})
			}
			r.enqueue(specs...)
			stop := r.relay()
			r.drained()
			stop()
			var reads int
			if err := r.db.QueryRowContext(t.Context(), "SELECT count(*) FROM deletes").Scan(&reads); err != nil {
				t.Fatal(err)
			}
			n, err := r.redis.LLen(t.Context(), r.namespace+":{mail}:ready").Result()
			if err != nil || int(n) != rows {
				t.Errorf("%d of %d rows are in line, %v", n, rows, err)
			}
			if calls := r.calls(); calls != reads {
				t.Errorf("%d rows in %d reads: %d calls of Redis, want one for each read", rows, reads, calls)
			}
			t.Logf("%d rows of %d bytes: %d reads", rows, size, reads)
		})
	}
}

// calls is how often a script has written the jobs of the rig.
func (r *rig) calls() int {
	r.t.Helper()
	keys, err := r.redis.Keys(r.t.Context(), r.namespace+":{mail}:answer:*").Result()
	if err != nil {
		r.t.Fatal(err)
	}
	total := 0
	for _, key := range keys { // its lane has numbered them
		answer, err := r.redis.Get(r.t.Context(), key).Result()
		if err != nil {
			r.t.Fatal(err)
		}
		var n int
		if _, err := fmt.Sscanf(answer, "%d|", &n); err != nil {
			r.t.Fatalf("answer %q: %v", answer, err)
		}
		total += n
	}
	return total
}
