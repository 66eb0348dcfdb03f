package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"runtime"
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
		Handler: m.handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
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

func (m *Monitor) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.Gatherer, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := m.Ready(); err != nil {
			http.Error(w, oneLine(err.Error()), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	if m.Config.Pprof {
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
	return mux
}
