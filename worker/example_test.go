package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/embedded"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/worker"
)

// Mail is the arguments of a job.
type Mail struct {
	To string `json:"to"`
}

func (Mail) Kind() string { return "mail" }

// Row is the arguments of a job that adds a row to a table.
type Row struct {
	Name string `json:"name"`
}

func (Row) Kind() string { return "row" }

var (
	errBusy      = errors.New("the mail server is busy")
	errNoMailbox = errors.New("no such mailbox")
)

// send is the application's own: its mail server is busy at first.
func send(_ context.Context, to string, attempt int) error {
	switch {
	case to == "nobody@example.org":
		return errNoMailbox
	case attempt == 1:
		return errBusy
	}
	return nil
}

// withRedis calls use with the URL of the application's Redis, and with a producer.
func withRedis(use func(ctx context.Context, redisURL string, p *producer.Producer)) {
	server, err := embedded.Start("")
	if err != nil {
		panic(err)
	}
	defer server.Close()
	p, err := producer.New(producer.Config{RedisURL: server.URL()})
	if err != nil {
		panic(err)
	}
	defer p.Close()
	use(context.Background(), server.URL(), p)
}

// runUntilEnded enqueues jobs and runs a worker until they have ended. The worker of an
// application runs until a signal comes: see signal.NotifyContext.
func runUntilEnded(ctx context.Context, w *worker.Worker, p *producer.Producer, specs ...drayhorse.Spec) (infos []*drayhorse.Info) {
	enqueued, err := p.EnqueueMany(ctx, specs)
	if err != nil {
		panic(err)
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error)
	go func() { done <- w.Run(running) }()
	for _, job := range enqueued {
		info, err := p.Wait(ctx, job.ID, drayhorse.Queue(job.Queue))
		if err != nil {
			panic(err)
		}
		infos = append(infos, info)
	}
	stop()
	if err := <-done; err != nil { // once what ran has ended
		panic(err)
	}
	return infos
}

// job is one to enqueue, that is kept for a while.
func job(args drayhorse.Args, options ...drayhorse.Option) drayhorse.Spec {
	return drayhorse.Spec{Args: args, Options: append([]drayhorse.Option{drayhorse.Retain(time.Hour)}, options...)}
}

// What a handler returns decides what becomes of its job.
func ExampleHandle() {
	withRedis(func(ctx context.Context, redisURL string, p *producer.Producer) {
		w, err := worker.New(worker.Config{RedisURL: redisURL, Queues: map[string]int{"mail": 3, "default": 1}})
		if err != nil {
			fmt.Println(err)
			return
		}
		worker.Handle(w, func(ctx context.Context, job *drayhorse.Job[Mail]) error {
			switch err := send(ctx, job.Args.To, job.Attempt); {
			case errors.Is(err, errNoMailbox):
				return drayhorse.Discard(err) // trying again will not help
			case err != nil:
				return err // is retried
			}
			return job.SetResult("sent")
		}, worker.Retry(worker.Exponential(time.Millisecond, time.Second)))

		infos := runUntilEnded(ctx, w, p, job(Mail{"ada@example.org"}, drayhorse.Queue("mail")), job(Mail{"nobody@example.org"}))
		for _, info := range infos {
			fmt.Println(info.State, "in attempt", info.Attempt, string(info.Result), info.Errors[0].Message)
		}
	})
	// Output:
	// completed in attempt 2 "sent" the mail server is busy
	// discarded in attempt 1  no such mailbox
}

// Kinds whose arguments have no type of their own, and what takes all other kinds.
func ExampleHandleKind() {
	withRedis(func(ctx context.Context, redisURL string, p *producer.Producer) {
		w, err := worker.New(worker.Config{RedisURL: redisURL})
		if err != nil {
			fmt.Println(err)
			return
		}
		worker.HandleKind(w, "resize", func(_ context.Context, job *drayhorse.Job[struct{ Width int }]) error {
			return job.SetResult(job.Args.Width / 2)
		})
		worker.HandleRest(w, func(_ context.Context, job *drayhorse.Job[json.RawMessage]) error {
			return job.SetResult("nothing is known of kind " + job.Kind)
		})
		infos := runUntilEnded(ctx, w, p,
			job(drayhorse.Raw("resize", json.RawMessage(`{"width":640}`))), job(drayhorse.Raw("other", nil)))
		for _, info := range infos {
			fmt.Println(string(info.Result))
		}
	})
	// Output:
	// 320
	// "nothing is known of kind other"
}

// Middleware sees the error that a handler returned, and the arguments as JSON.
func ExampleWorker_Use() {
	withRedis(func(ctx context.Context, redisURL string, p *producer.Producer) {
		w, err := worker.New(worker.Config{RedisURL: redisURL, Retry: worker.Constant(0)})
		if err != nil {
			fmt.Println(err)
			return
		}
		w.Use(func(next worker.Handler) worker.Handler {
			return func(ctx context.Context, job *drayhorse.Job[json.RawMessage]) error {
				err := next(ctx, job)
				fmt.Printf("%s %s, attempt %d: %v\n", job.Kind, job.Args, job.Attempt, err)
				return err
			}
		})
		worker.Handle(w, func(ctx context.Context, job *drayhorse.Job[Mail]) error {
			return send(ctx, job.Args.To, job.Attempt)
		})
		runUntilEnded(ctx, w, p, job(Mail{"ada@example.org"}))
	})
	// Output:
	// mail {"to":"ada@example.org"}, attempt 1: the mail server is busy
	// mail {"to":"ada@example.org"}, attempt 2: <nil>
}

// One insert for up to a hundred jobs. If it fails, each of them is tried again.
func ExampleHandleMany() {
	withRedis(func(ctx context.Context, redisURL string, p *producer.Producer) {
		var rows atomic.Int64
		insert := func(_ context.Context, names []string) error {
			rows.Add(int64(len(names)))
			return nil
		}
		w, err := worker.New(worker.Config{RedisURL: redisURL, Concurrency: 200})
		if err != nil {
			fmt.Println(err)
			return
		}
		worker.HandleMany(w, func(ctx context.Context, jobs []*drayhorse.Job[Row]) []error {
			names := make([]string, len(jobs))
			for i, job := range jobs {
				names[i] = job.Args.Name
			}
			if err := insert(ctx, names); err != nil {
				return slices.Repeat([]error{err}, len(jobs))
			}
			return nil
		}, worker.UpTo(100), worker.Linger(50*time.Millisecond))
		worker.HandleManyOfKind(w, "words", func(_ context.Context, jobs []*drayhorse.Job[string]) []error {
			return make([]error, len(jobs)) // one for each: all are completed
		})
		infos := runUntilEnded(ctx, w, p, job(Row{"ada"}), job(Row{"bob"}), job(Row{"cy"}), job(drayhorse.Raw("words", json.RawMessage(`"hay"`))))
		fmt.Println(rows.Load(), "rows,", infos[0].State, infos[3].State)
	})
	// Output: 3 rows, completed completed
}

// A policy may look at the error: one that a deploy mends waits as long as a deploy takes.
func ExampleRetryPolicy() {
	policy := worker.RetryPolicy(func(attempt int, err error) time.Duration {
		if _, wrong := errors.AsType[*drayhorse.ArgsError](err); wrong {
			return 5 * time.Minute
		}
		return time.Duration(attempt) * time.Minute
	})
	fmt.Println(policy(2, errNoMailbox), policy(2, &drayhorse.ArgsError{}))
	// Output: 2m0s 5m0s
}

// A handler whose producers are deployed together with it refuses what it does not know.
func ExampleStrict() {
	withRedis(func(ctx context.Context, redisURL string, p *producer.Producer) {
		w, err := worker.New(worker.Config{RedisURL: redisURL})
		if err != nil {
			fmt.Println(err)
			return
		}
		worker.Handle(w, func(context.Context, *drayhorse.Job[Mail]) error { return nil }, worker.Strict())
		infos := runUntilEnded(ctx, w, p, job(drayhorse.Raw("mail", json.RawMessage(`{"too":"ada@example.org"}`)), drayhorse.MaxAttempts(1)))
		fmt.Println(infos[0].State)
		fmt.Println(infos[0].Errors[0].Message)
	})
	// Output:
	// discarded
	// arguments of kind "mail" do not fit worker_test.Mail: field "too" is not known to it
}

// Whoever has to hear of the jobs that will not be tried again hears of it here, also of those
// that have expired, or with which workers died.
func ExampleConfig_onDiscard() {
	withRedis(func(ctx context.Context, redisURL string, p *producer.Producer) {
		w, err := worker.New(worker.Config{
			RedisURL: redisURL,
			OnDiscard: func(_ context.Context, info *drayhorse.Info) {
				fmt.Println("given up:", info.Kind, string(info.Args), info.Errors[len(info.Errors)-1].Message)
			},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		worker.Handle(w, func(ctx context.Context, job *drayhorse.Job[Mail]) error {
			return send(ctx, job.Args.To, job.Attempt)
		})
		runUntilEnded(ctx, w, p, job(Mail{"nobody@example.org"}, drayhorse.MaxAttempts(1)))
	})
	// Output: given up: mail {"to":"nobody@example.org"} no such mailbox
}

// What a service tells its load balancer, or Kubernetes, of the worker in it.
func ExampleWorker_Ready() {
	w, err := worker.New(worker.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ready := func(rw http.ResponseWriter, _ *http.Request) {
		if err := w.Ready(); err != nil {
			http.Error(rw, err.Error(), http.StatusServiceUnavailable)
		}
	}
	answer := httptest.NewRecorder()
	ready(answer, httptest.NewRequest(http.MethodGet, "/readyz", nil)) // nobody has called Run
	fmt.Println(answer.Code)
	// Output: 503
}
