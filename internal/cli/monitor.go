package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// NewRegistry makes a registry with what every program tells of itself.
func NewRegistry() *prometheus.Registry {
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "drayhorse_build_info", Help: "Always 1; the labels say which program this is.",
		ConstLabels: prometheus.Labels{"version": release(), "goversion": runtime.Version()},
	})
	build.Set(1)
	r := prometheus.NewRegistry()
	r.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Monitor is what a long-running program serves while it runs.
type Monitor struct {
	Config   Monitoring
	Gatherer prometheus.Gatherer
	Ready    func() error // nil error: it can do its job
	Log      *slog.Logger
}

// Run runs the program, run, and serves until it has returned, also while it is
// stopping. A server that fails ends the program with its error. Without an
// address it only runs.
func (m *Monitor) Run(ctx context.Context, run func(ctx context.Context) error) error {
	if m.Config.Metrics == "" {
		return run(ctx)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", m.Config.Metrics)
	if err != nil {
		return fmt.Errorf("metrics on %s: %w", m.Config.Metrics, err)
	}
	m.Log.InfoContext(ctx, "serving metrics", slog.String("addr", listener.Addr().String()))
	server := &http.Server{
		Handler: m.handler(IsLoopback(listener.Addr().String())), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 2 * time.Minute, // profiles take their time
		IdleTimeout:  2 * time.Minute, ErrorLog: slog.NewLogLogger(m.Log.Handler(), slog.LevelDebug),
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 1)
	go func() {
		err := server.Serve(listener)
		if !errors.Is(err, http.ErrServerClosed) {
			cancel()
		}
		served <- err
	}()
	err = run(ctx)
	_ = server.Close()
	if failed := <-served; !errors.Is(failed, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("metrics on %s: %w", m.Config.Metrics, failed))
	}
	return err
}

func (m *Monitor) handler(local bool) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.Gatherer, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := m.Ready(); err != nil {
			http.Error(w, line(err), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	if m.Config.Pprof {
		mux.Handle("GET /debug/pprof/", &profiles{remote: m.Config.PprofRemote, free: make(chan struct{}, maxProfiles)})
	}
	if local {
		return ownHost(mux)
	}
	return mux
}

// maxScrapes is how many requests for metrics are answered at once.
const maxScrapes = 10

// ownHost refuses requests that a browser was led to make: a page of a name that
// resolves to this machine could read what only this machine is to see.
func ownHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !IsLoopback(r.Host) {
			http.Error(w, fmt.Sprintf("host %q; want this machine's, such as 127.0.0.1 or localhost", r.Host), http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// IsLoopback reports whether HOST or HOST:PORT names this machine alone.
func IsLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.EqualFold(host, "localhost") || net.ParseIP(strings.Trim(host, "[]")).IsLoopback()
}
