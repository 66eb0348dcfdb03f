package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/reload"
)

// Server serves the HTTP door.
type Server struct {
	cfg     Config
	log     *slog.Logger
	mux     *http.ServeMux
	metrics *instruments
	queues  *queues
	anybody *caller             // nil: tokens are asked for
	certs   *reload.Certificate // nil: HTTP

	resources *resources
	strangers *account // of those without a token that is known
	redis     redisWatch
	patience  time.Duration   // with Redis
	stopping  context.Context // ends when the server begins to stop
	stop      context.CancelFunc
}

// New makes a server. It does not connect. The error is drayhorse.ErrInvalid, or
// that of a registerer.
func New(cfg Config) (*Server, error) {
	if err := cfg.Limits.Validate(); err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, log: logs.Or(cfg.Logger), mux: http.NewServeMux(),
		queues: newQueues(cfg.Queues, &cfg.Limits), patience: patience,
	}
	s.resources = newResources(&s.cfg.Limits, runtime.GOMAXPROCS(0))
	s.strangers = s.resources.open(&Token{}, false)
	var err error
	if s.metrics, err = newInstruments(cfg.Registerer); err != nil {
		return nil, err
	}
	s.redis = redisWatch{queues: cfg.Queues, log: s.log, up: s.metrics.redis.SetUp}
	s.stopping, s.stop = context.WithCancel(context.Background())
	if cfg.Tokens == nil {
		s.anybody = anybody(cfg.Limits.Rates())
	}
	if cfg.CertFile != "" {
		if s.certs, err = reload.OpenCertificate(cfg.CertFile, cfg.KeyFile, s.log); err != nil {
			return nil, err
		}
	}
	s.routes()
	return s, nil
}

// writeTimeout is how long an answer may take, from the end of the request's header on.
func (s *Server) writeTimeout() time.Duration { return 2*s.cfg.Limits.ClientTimeout + s.patience }

// Ready reports why the server cannot do its job; nil: it can.
func (s *Server) Ready() error { return s.redis.err() }

// Serve serves until ctx ends. Then it takes no more requests, lets those that run
// finish for ShutdownTimeout, ends batches after the lines that have been read, and
// returns nil. It is called once; the listener is closed.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	timeout := s.cfg.Limits.ClientTimeout
	server := &http.Server{
		Handler: s, ReadTimeout: timeout, WriteTimeout: s.writeTimeout(), // batches and waits set deadlines of their own
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: s.cfg.Limits.MaxHeader,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	background, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { s.redis.run(background) })
	if s.cfg.Tokens != nil {
		running.Go(func() { s.cfg.Tokens.Watch(background) })
	}
	if s.certs != nil {
		running.Go(func() { s.certs.Watch(background) })
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
	if s.certs != nil {
		server.TLSConfig = s.certs.Config()
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
