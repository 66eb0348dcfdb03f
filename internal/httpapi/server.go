package httpapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// Server serves the HTTP door.
type Server struct {
	cfg     Config
	log     *slog.Logger
	mux     *http.ServeMux
	metrics *instruments
	depths  *depths
	anybody *caller     // nil: tokens are asked for
	tls     *tls.Config // nil: HTTP

	requests, batches slots
	redis             redisWatch
	stopping          context.Context // ends when the server begins to stop
	stop              context.CancelFunc
}

// New makes a server. It does not connect. The error is drayhorse.ErrInvalid, or
// that of a registerer.
func New(cfg Config) (*Server, error) {
	if err := cfg.Limits.Validate(); err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, log: logs.Or(cfg.Logger), mux: http.NewServeMux(),
		depths:   newDepths(cfg.Queues, cfg.Limits.MaxDepth),
		requests: newSlots(cfg.Limits.MaxRequests), batches: newSlots(cfg.Limits.MaxBatches),
	}
	var err error
	if s.metrics, err = newInstruments(cfg.Registerer); err != nil {
		return nil, err
	}
	s.redis = redisWatch{queues: cfg.Queues, log: s.log, up: s.metrics.redis.SetUp}
	s.stopping, s.stop = context.WithCancel(context.Background())
	if cfg.Tokens == nil {
		s.anybody = anybody(cfg.Limits.Rate)
	}
	if cfg.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(cfg.CertFile, cfg.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("%w: tls_cert %q with tls_key %q: %w", drayhorse.ErrInvalid, cfg.CertFile, cfg.KeyFile, err)
		}
		s.tls = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	s.routes()
	return s, nil
}

// Ready reports why the server cannot do its job; nil: it can.
func (s *Server) Ready() error { return s.redis.err() }

// Serve serves until ctx ends. Then it takes no more requests, lets those that run
// finish for ShutdownTimeout, ends batches after the lines that have been read, and
// returns nil. It is called once; the listener is closed.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	timeout := s.cfg.Limits.ClientTimeout
	server := &http.Server{
		Handler: s, ReadTimeout: timeout, WriteTimeout: 2*timeout + patience, // batches set deadlines of their own
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: s.cfg.Limits.MaxHeader,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	background, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { s.redis.run(background) })
	if s.cfg.Tokens != nil {
		running.Go(func() { s.cfg.Tokens.watch(background) })
	}
	served := make(chan error, 1)
	go func() { served <- s.accept(server, listener) }()
	s.log.InfoContext(ctx, "serving jobs", slog.String("addr", listener.Addr().String()))
	select {
	case err := <-served:
		s.stop()
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	s.shutdown(server)
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	}
	return nil
}

func (s *Server) accept(server *http.Server, listener net.Listener) error {
	if s.tls != nil {
		server.TLSConfig = s.tls
		return server.ServeTLS(listener, "", "")
	}
	return server.Serve(listener)
}

func (s *Server) shutdown(server *http.Server) {
	s.stop()
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Limits.ShutdownTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("requests were cut", slog.Duration(logs.Elapsed, s.cfg.Limits.ShutdownTimeout))
	}
	_ = server.Close()
}

// slots bound how much goes on at once.
type slots chan struct{}

func newSlots(n int) slots { return make(slots, n) }

// take takes a slot if one is free. Release gives it back.
func (s slots) take() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s slots) release() { <-s }
