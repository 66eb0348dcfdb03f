package drayhorsetest

import (
	"cmp"
	"context"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/embedded"
	"github.com/drayhorse/drayhorse/internal/inline"
	"github.com/drayhorse/drayhorse/internal/jobs"
	"github.com/drayhorse/drayhorse/internal/redis"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/scheduler"
	"github.com/drayhorse/drayhorse/worker"
)

// Env is what one test needs: a server of its own in this process, and a clock that
// stands still until the test moves it. Producers, workers, schedulers and Admins that
// are made with URL go by that clock. Any number of tests have one each, in parallel.
//
// The methods are for the goroutine of the test, and for the handlers that Work runs
// there; Now, Producer and Admin are for all.
type Env struct {
	// URL is for the RedisURL of Configs, and for a client of Redis.
	URL string
	// Producer puts jobs in and looks them up.
	Producer *producer.Producer
	// Admin lists and steers.
	Admin *admin.Admin

	tb        testing.TB
	server    *embedded.Standing
	client    *redis.Client
	engine    *jobs.Engine
	workers   map[*worker.Worker]inline.Worker
	schedules map[*scheduler.Scheduler]bool
	leaders   []inline.Scheduler // of schedules
	working   inline.Worker      // whose handler runs; nil: none
	// swept are jobs that were not started in time, by their partitions, until Work tells a
	// worker of theirs.
	swept map[string][]string
	ran   []Outcome // by all calls of Work, the last maxRemembered
}

// Option changes what New makes.
type Option func(*options)

type options struct {
	at        time.Time
	namespace string
	patience  time.Duration
}

// StartAt has the clock begin at t. Without it the clock begins at the next full second,
// so that times that a program takes from time.Now and from the clock are alike: a job
// that it enqueues for an hour from time.Now is due when the clock has moved an hour.
func StartAt(t time.Time) Option { return func(o *options) { o.at = t } }

// Namespace is that of the Producer and the Admin, and of the jobs that RequireEnqueued
// looks for. Default: drayhorse.DefaultNamespace.
func Namespace(name string) Option { return func(o *options) { o.namespace = name } }

// Patience is that of the Producer: for how long it tries while [Env.LoseReplies] lets
// nothing through. Default: that of producer.Config, 5 s.
func Patience(d time.Duration) Option { return func(o *options) { o.patience = d } }

// New makes an Env that ends with the test. Nothing of it is left then: no goroutine, no
// connection, no data.
func New(tb testing.TB, opts ...Option) *Env {
	tb.Helper()
	o := options{at: time.Now().Truncate(time.Second).Add(time.Second)}
	for _, option := range opts {
		option(&o)
	}
	server, err := embedded.StartAt(o.at.UTC())
	if err != nil {
		tb.Fatalf("drayhorsetest: %v", err)
	}
	tb.Cleanup(server.Close)
	e := &Env{
		URL: server.URL(), tb: tb, server: server,
		workers: map[*worker.Worker]inline.Worker{}, schedules: map[*scheduler.Scheduler]bool{}, swept: map[string][]string{},
	}
	e.client, err = redis.Open(redis.Config{URL: e.URL})
	e.require(err)
	e.closes(e.client)
	e.engine = jobs.New(e.client, cmp.Or(o.namespace, drayhorse.DefaultNamespace))
	e.Producer, err = producer.New(producer.Config{RedisURL: e.URL, Namespace: o.namespace, Patience: o.patience})
	e.require(err)
	e.closes(e.Producer)
	e.Admin, err = admin.New(admin.Config{RedisURL: e.URL, Namespace: o.namespace})
	e.require(err)
	e.closes(e.Admin)
	return e
}

// Now is the time that the clock shows, in UTC.
func (e *Env) Now() time.Time { return e.server.Now() }

// require ends the test with an error that is none of what is tested.
func (e *Env) require(err error) {
	e.tb.Helper()
	if err != nil {
		e.tb.Fatalf("drayhorsetest: %v", err)
	}
}

// closes closes c when the test has ended.
func (e *Env) closes(c interface{ Close() error }) {
	e.tb.Cleanup(func() {
		if err := c.Close(); err != nil {
			e.tb.Errorf("drayhorsetest: %v", err)
		}
	})
}

// patience is how long Redis, which is in this process, may take for what a call of an
// Env needs of it.
const patience = time.Minute

// context is for calls to the server.
func (e *Env) context() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(e.tb.Context()), patience)
}
