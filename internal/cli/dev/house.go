package dev

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/drayhorse/drayhorse/dashboard"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/cli/produce"
	"github.com/drayhorse/drayhorse/internal/cli/schedule"
	"github.com/drayhorse/drayhorse/internal/cli/ui"
	"github.com/drayhorse/drayhorse/internal/cli/work"
	"github.com/drayhorse/drayhorse/internal/embedded"
	"github.com/drayhorse/drayhorse/internal/httpapi"
	"github.com/drayhorse/drayhorse/scheduler"
	"github.com/drayhorse/drayhorse/tracing"
)

// house is all that runs in the process.
type house struct {
	call      *cli.Call
	cfg       *config
	registry  *prometheus.Registry
	server    *embedded.Server
	listener  net.Listener // of the HTTP API
	uiListens net.Listener
	door      *produce.Door
	site      *ui.Site
	scheduler *scheduler.Scheduler
	worker    *work.Daemon // nil: there are no handlers
	closes    []func()     // to be called in reverse order
}

// open starts the server and makes the rest, which does not run yet.
func open(ctx context.Context, call *cli.Call, cfg *config) (_ *house, err error) {
	h := &house{call: call, cfg: cfg, registry: cli.NewRegistry()}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	if h.server, err = startServer(cfg.Listen); err != nil {
		return nil, err
	}
	h.closes = append(h.closes, h.server.Close)
	if h.listener, err = listen(ctx, cfg.API, usualAPI); err != nil {
		return nil, err
	}
	h.closes = append(h.closes, func() { _ = h.listener.Close() })
	if h.uiListens, err = listen(ctx, cfg.UI, usualUI); err != nil {
		return nil, err
	}
	h.closes = append(h.closes, func() { _ = h.uiListens.Close() })
	tracer, flush, err := cfg.Tracer(ctx, "drayhorse-dev", call)
	if err != nil {
		return nil, err
	}
	h.closes = append(h.closes, flush)
	return h, h.openParts(tracer)
}

// openParts makes what works on the server.
func (h *house) openParts(tracer *tracing.Tracer) (err error) {
	where := cli.Connection{RedisURL: cli.RedisURL(h.server.URL()), Namespace: h.cfg.Namespace}
	h.door, err = produce.OpenDoor(where, h.call, httpapi.Config{Limits: httpapi.DefaultLimits()}, h.registry, tracer)
	if err != nil {
		return err
	}
	h.closes = append(h.closes, h.door.Close)
	if h.site, err = ui.Open(where, dashboard.Config{Logger: h.call.Log}); err != nil {
		return err
	}
	h.closes = append(h.closes, h.site.Close)
	tuning := h.cfg.scheduler()
	if h.scheduler, err = schedule.New(&tuning, where, h.call, h.registry, tracer, ""); err != nil {
		return err
	}
	h.closes = append(h.closes, func() { _ = h.scheduler.Close() })
	if len(h.cfg.Handlers) == 0 {
		return nil
	}
	if h.worker, err = work.New(&h.cfg.Tuning, where, h.call, h.registry, tracer); err != nil {
		return err
	}
	h.closes = append(h.closes, h.worker.Close)
	return nil
}

func (h *house) close() {
	for _, c := range slices.Backward(h.closes) {
		c()
	}
}

// startServer starts the embedded server on addr; for "" on the usual port, or on a free
// one where that is taken.
func startServer(addr string) (*embedded.Server, error) {
	if addr != "" {
		return embedded.Start(addr)
	}
	if server, err := embedded.Start(usualListen); err == nil {
		return server, nil
	}
	return embedded.Start("")
}

// listen is the same for what speaks HTTP.
func listen(ctx context.Context, addr, usual string) (net.Listener, error) {
	open := func(addr string) (net.Listener, error) {
		return httpapi.Listen(ctx, httpapi.Listening{Addr: addr})
	}
	if addr != "" {
		return open(addr)
	}
	if l, err := open(usual); err == nil {
		return l, nil
	}
	return open("127.0.0.1:0")
}

// describe says what runs, and what to paste into another terminal. All of it is made of
// what was validated, so it is printable.
func (h *house) describe() string {
	worker := "none: the config file has no handlers"
	if h.worker != nil {
		worker = "runs " + strings.Join(slices.Sorted(maps.Keys(h.cfg.Handlers)), ", ")
	}
	taken := ""
	if h.cfg.Listen == "" && h.server.URL() != "redis://"+usualListen+"/0" {
		taken = "; " + usualListen + " is taken"
	}
	return fmt.Sprintf(`embedded redis: %s (nothing is kept when it ends%s)
http api:       http://%s/v1/jobs
dashboard:      http://%s/
worker:         %s
scheduler:      runs, with %d schedules of the config file

For another terminal:

  export DRAYHORSE_REDIS_URL=%s
`, h.server.URL(), taken, h.listener.Addr(), h.uiListens.Addr(), worker, len(h.cfg.Schedules), h.server.URL())
}

// run runs everything until ctx ends, or until a part of it fails.
func (h *house) run(ctx context.Context) error {
	monitor := cli.Monitor{Config: h.cfg.Monitoring, Gatherer: h.registry, Ready: h.ready, Log: h.call.Log}
	if h.worker != nil {
		defer h.call.OnStop(ctx, h.worker.Waits)()
	}
	return monitor.Run(ctx, func(ctx context.Context) error {
		all, ctx := errgroup.WithContext(ctx)
		all.Go(func() error { return h.door.Serve(ctx, h.listener) })
		all.Go(func() error { return h.site.Serve(ctx, h.uiListens) })
		all.Go(func() error { return h.scheduler.Run(ctx) })
		if h.worker != nil {
			all.Go(func() error { return h.worker.Run(ctx) })
		}
		return all.Wait()
	})
}

func (h *house) ready() error {
	err := errors.Join(h.scheduler.Ready(), h.door.Ready())
	if h.worker != nil {
		err = errors.Join(err, h.worker.Ready())
	}
	return err
}
