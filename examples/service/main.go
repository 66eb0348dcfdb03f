// Command service is a small HTTP service that signs users up and leaves the mail to
// background jobs.
//
//	go run ./examples/service
//	curl -d user=42 http://127.0.0.1:8080/signup
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/examples/email"
	"github.com/drayhorse/drayhorse/producer"
)

func main() {
	redisURL := flag.String("redis", "redis://127.0.0.1:6379/0", "where Redis is")
	listen := flag.String("listen", "127.0.0.1:8080", "where to serve")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := serve(ctx, *redisURL, *listen)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context, redisURL, listen string) error {
	p, err := producer.New(producer.Config{RedisURL: redisURL})
	if err != nil {
		return err
	}
	defer p.Close()
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	fmt.Println("listening on", l.Addr())
	return serveUntil(ctx, &http.Server{Handler: routes(p), ReadHeaderTimeout: 5 * time.Second}, l)
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

func routes(p *producer.Producer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /signup", func(w http.ResponseWriter, r *http.Request) {
		user, err := strconv.ParseInt(r.FormValue("user"), 10, 64)
		if err != nil {
			http.Error(w, "user: want a number", http.StatusBadRequest)
			return
		}
		// The ID makes it one mail, however often the form is sent.
		info, err := p.Enqueue(r.Context(), email.Welcome{UserID: user},
			drayhorse.Queue("mail"), drayhorse.ID("welcome-"+strconv.FormatInt(user, 10)))
		answer(w, info, err)
	})
	mux.HandleFunc("POST /report", func(w http.ResponseWriter, r *http.Request) {
		info, err := p.Enqueue(r.Context(), email.Report{To: r.FormValue("to"), Days: 7}, drayhorse.Retain(time.Hour))
		answer(w, info, err)
	})
	mux.HandleFunc("GET /jobs/{id}", func(w http.ResponseWriter, r *http.Request) {
		info, err := p.Get(r.Context(), r.PathValue("id"))
		answer(w, info, err)
	})
	return mux
}

func answer(w http.ResponseWriter, info *drayhorse.Info, err error) {
	switch {
	case errors.Is(err, drayhorse.ErrInvalid):
		http.Error(w, err.Error(), http.StatusBadRequest)
	case errors.Is(err, drayhorse.ErrNotFound):
		http.Error(w, err.Error(), http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(info)
	}
}
