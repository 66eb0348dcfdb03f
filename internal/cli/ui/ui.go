// Package ui serves the dashboard: drayhorse ui.
package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/dashboard"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/conf"
)

type config struct {
	cli.Common     `yaml:",inline"`
	cli.Monitoring `yaml:",inline"`

	Listen   string `yaml:"listen" arg:"ADDR" usage:"serve the dashboard on this HOST:PORT of this machine"`
	Hosts    names  `yaml:"hosts,omitempty" flag:"host" arg:"NAME" usage:"name that browsers know the dashboard by, behind a proxy; may be given several times (default loopback names)"`
	ReadOnly bool   `yaml:"read_only" usage:"show, and change nothing"`
}

// names are several names, with commas between them in the environment.
type names []string

// Add takes NAME,...
func (n *names) Add(text string) error {
	for name := range strings.SplitSeq(text, ",") {
		if err := dashboard.ValidateHost(name); err != nil {
			return &conf.ValueError{Text: name, Want: "a name such as jobs.example.com, without scheme and port"}
		}
		*n = append(*n, name)
	}
	return nil
}

func (n names) String() string { return strings.Join(n, ",") }

// Settle reports the first impossible value, as drayhorse.ErrInvalid.
func (c *config) Settle() error {
	if err := c.Monitoring.Validate(); err != nil {
		return err
	}
	if err := cli.ValidateAddr("listen", c.Listen); err != nil {
		return err
	}
	if !cli.IsLoopback(c.Listen) {
		return fmt.Errorf("%w: listen %q: the dashboard has no login yet, so whoever reaches it could change everything; "+
			"want a loopback address such as 127.0.0.1:7080, and from afar a tunnel (ssh -L 7080:127.0.0.1:7080 HOST) or a proxy on this machine that asks who comes", drayhorse.ErrInvalid, c.Listen)
	}
	return nil
}

// Command is the verb.
func Command() *cobra.Command {
	defaults := config{Common: cli.DefaultCommon(), Listen: "127.0.0.1:7080"}
	return cli.Def[config]{
		Name:  "ui",
		Short: "Serve the dashboard: inspect and manage queues, jobs, workers and schedules in a browser",
		Long: `Serve the dashboard: inspect and manage queues, jobs, workers and schedules in a browser.

It has no login, so it listens on this machine alone. From another machine, use a tunnel:

  ssh -L 7080:127.0.0.1:7080 HOST

and open http://127.0.0.1:7080/ there; or a proxy on this machine that asks for a login, with
--host for the name that browsers use. A Go program can mount the same pages under a path
of its own, behind its own login: package dashboard.`,
		Stops:   true,
		Example: "  drayhorse ui --redis redis://127.0.0.1:6379/0 --read-only",
		Config:  defaults,
		Run:     run,
	}.Command()
}

// Limits of a connection.
const (
	readTimeout  = 10 * time.Second
	writeTimeout = 30 * time.Second
	idleTimeout  = 2 * time.Minute
	maxHeader    = 32 << 10 // bytes
	drainTimeout = 5 * time.Second
)

func run(ctx context.Context, call *cli.Call, cfg *config) error {
	site, err := Open(cfg.Connection, dashboard.Config{Hosts: cfg.Hosts, ReadOnly: cfg.ReadOnly, Logger: call.Log})
	if err != nil {
		return err
	}
	defer site.Close()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	if err := call.Println("dashboard: http://" + listener.Addr().String() + "/"); err != nil {
		return err
	}
	monitor := cli.Monitor{Config: cfg.Monitoring, Gatherer: cli.NewRegistry(), Log: call.Log, Ready: site.Ready}
	defer call.OnStop(ctx, func() string { return fmt.Sprintf("waiting up to %v for the requests under way", drainTimeout) })()
	return monitor.Run(ctx, func(ctx context.Context) error { return site.Serve(ctx, listener) })
}

// Site is the dashboard of one Redis.
type Site struct {
	admin   *admin.Admin
	steers  bool
	handler http.Handler
	log     *slog.Logger
}

// Open makes the dashboard of that Redis. It does not connect. Close it.
func Open(where cli.Connection, cfg dashboard.Config) (*Site, error) {
	a, err := admin.New(admin.Config{RedisURL: where.RedisURL.Reveal(), Namespace: where.Namespace})
	if err != nil {
		return nil, err
	}
	cfg.Admin = a
	handler, err := dashboard.New(cfg)
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return &Site{a, !cfg.ReadOnly, handler, cfg.Logger}, nil
}

// Close ends its connections.
func (s *Site) Close() {
	if c, ok := s.handler.(io.Closer); ok {
		_ = c.Close()
	}
	_ = s.admin.Close()
}

// Ready asks Redis.
func (s *Site) Ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	_, err := s.admin.QueueNames(ctx)
	return err
}

// Serve serves until ctx ends, and lets requests that are under way finish. Meanwhile it runs
// actions that nobody runs, unless it may change nothing.
func (s *Site) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler: s.handler, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	acting, leave := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer leave()
	if s.steers {
		work.Go(func() { _ = s.admin.RunActions(acting) })
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	draining, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	_ = server.Shutdown(draining)
	_ = server.Close()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
