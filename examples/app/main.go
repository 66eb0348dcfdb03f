// Command app is an HTTP service with its worker and its scheduler in one process, which
// stops in order: it answers the requests under way, finishes the jobs that run, hands the
// rest back, and loses nothing.
//
//	go run ./examples/app
//	curl -d user=42 http://127.0.0.1:8080/signup
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/producer"
	"github.com/drayhorse/drayhorse/scheduler"
	"github.com/drayhorse/drayhorse/worker"
)

// Welcome is a mail to a new user, once, however often it is enqueued.
type Welcome struct {
	User string `json:"user"`
}

// Kind names its handler.
func (Welcome) Kind() string { return "welcome" }

// Options are those of every such job.
func (w Welcome) Options() []drayhorse.Option {
	return []drayhorse.Option{drayhorse.Queue("mail"), drayhorse.MaxAttempts(5), drayhorse.ID("welcome-" + w.User)}
}

// Digest is the nightly mail.
type Digest struct{}

// Kind names its handler.
func (Digest) Kind() string { return "digest" }

func main() {
	redisURL := flag.String("redis", "redis://127.0.0.1:6379/0", "where Redis is")
	listen := flag.String("listen", "127.0.0.1:8080", "where to serve")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, *redisURL, *listen)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

// run runs all three until ctx ends, or until one of them fails. The producer is closed
// last: requests under way, and jobs that run, may still enqueue.
func run(ctx context.Context, redisURL, listen string) error {
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	p, err := producer.New(producer.Config{RedisURL: redisURL, Logger: logger})
	if err != nil {
		return err
	}
	defer p.Close()
	w, err := newWorker(redisURL, logger)
	if err != nil {
		return err
	}
	s, err := newScheduler(redisURL, logger)
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	fmt.Println("listening on", l.Addr())
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error {
		return serveUntil(ctx, &http.Server{Handler: routes(p, w), ReadHeaderTimeout: 5 * time.Second}, l)
	})
	all.Go(func() error { return w.Run(ctx) })
	all.Go(func() error { return s.Run(ctx) })
	return all.Wait()
}

func newWorker(redisURL string, logger *slog.Logger) (*worker.Worker, error) {
	w, err := worker.New(worker.Config{RedisURL: redisURL, Queues: map[string]int{"mail": 3, "default": 1}, Logger: logger})
	if err != nil {
		return nil, err
	}
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[Welcome]) error {
		fmt.Println("welcome,", job.Args.User)
		return nil
	})
	worker.Handle(w, func(_ context.Context, job *drayhorse.Job[Digest]) error {
		fmt.Println("digest of", job.Tick.UTC().Format(time.DateOnly))
		return nil
	})
	return w, nil
}

func newScheduler(redisURL string, logger *slog.Logger) (*scheduler.Scheduler, error) {
	s, err := scheduler.New(scheduler.Config{RedisURL: redisURL, Source: "app", Logger: logger})
	if err != nil {
		return nil, err
	}
	return s, s.Add(scheduler.Schedule{ID: "digest-nightly", Cron: "0 3 * * *", Timezone: "Europe/Paris", Args: Digest{}})
}

func routes(p *producer.Producer, w *worker.Worker) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /signup", func(rw http.ResponseWriter, r *http.Request) {
		info, err := p.Enqueue(r.Context(), Welcome{User: r.FormValue("user")})
		switch {
		case errors.Is(err, drayhorse.ErrInvalid):
			http.Error(rw, err.Error(), http.StatusBadRequest)
		case err != nil:
			http.Error(rw, err.Error(), http.StatusServiceUnavailable)
		default:
			_, _ = fmt.Fprintln(rw, info.ID) // the client is there or not
		}
	})
	mux.HandleFunc("GET /readyz", func(rw http.ResponseWriter, _ *http.Request) {
		if err := w.Ready(); err != nil {
			http.Error(rw, err.Error(), http.StatusServiceUnavailable)
		}
	})
	return mux
}

// serveUntil serves until ctx ends, and then waits for the requests under way. Serve
// returns as soon as Shutdown is called, so it is Shutdown that must be waited for.
func serveUntil(ctx context.Context, server *http.Server, l net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return server.Shutdown(ending)
}
