package redistest

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Server is one redis-server process.
type Server struct {
	Addr string // host:port, or the path of the unix socket
	URL  string // with the password and the names of certificate files

	tb      testing.TB // nil: shared by tests
	port    *port
	busPort *port // of a Cluster node
	set     settings
	process *process
}

// Start starts a server that keeps nothing on disk, unless options say
// otherwise, and ends it with the test.
func Start(tb testing.TB, opts ...Option) *Server {
	tb.Helper()
	w, cancel := waitFor(tb, unlimited)
	defer cancel()
	s, err := launch(w, newSettings(opts), redisNode)
	if err != nil {
		tb.Fatalf("redistest: %v", err)
	}
	s.own(tb)
	return s
}

// role is what a redis-server process serves as.
type role int

const (
	redisNode role = iota
	clusterNode
	sentinelNode
)

// launch starts a server that belongs to no test yet. It tries another port where
// some other program has taken the one that was found free.
func launch(w wait, set settings, role role) (*Server, error) {
	for {
		s, err := prepare(set, role)
		if err != nil {
			return nil, err
		}
		err = s.run(w)
		if err == nil {
			return s, nil
		}
		err = errors.Join(err, s.remove())
		if !errors.Is(err, errAddressTaken) {
			return nil, err
		}
	}
}

// prepare picks the ports of a server and writes its configuration.
func prepare(set settings, role role) (*Server, error) {
	s := &Server{set: set}
	var err error
	if s.port, err = newPort(); err != nil {
		return nil, err
	}
	conf := []string{"bind 127.0.0.1", "daemonize no", "protected-mode no"}
	if role == clusterNode {
		if s.busPort, err = newPort(); err != nil {
			return nil, errors.Join(err, s.port.release())
		}
		conf = append(conf, "cluster-enabled yes", "cluster-port "+s.busPort.String())
	}
	if role != sentinelNode {
		conf = append(conf, `save ""`, "enable-debug-command local",
			"repl-diskless-sync-delay 0", "repl-ping-replica-period 1") // a new replica counts at once
	}
	switch {
	case set.socket:
		conf = append(conf, "port 0", "unixsocket redis.sock")
	case set.certs != nil:
		conf = append(conf, "port 0", "tls-port "+s.port.String())
		conf = append(conf, set.certs.config()...)
	default:
		conf = append(conf, "port "+s.port.String())
	}
	if s.process, err = newProcess(cmp.Or(set.program, binary), append(conf, set.conf...), role == sentinelNode); err != nil {
		return nil, errors.Join(err, s.releasePorts())
	}
	s.process.env = set.env
	s.Addr = s.port.addr()
	if set.socket {
		s.Addr = s.process.path("redis.sock")
	}
	s.URL = s.url()
	return s, nil
}

func (s *Server) url() string {
	u := url.URL{Scheme: "redis", Host: s.Addr, Path: "/0"}
	switch {
	case s.set.socket:
		u = url.URL{Scheme: "unix", Path: s.Addr}
	case s.set.certs != nil:
		u.Scheme, u.RawQuery = "rediss", s.set.certs.query()
	}
	if s.set.password != "" {
		u.User = url.UserPassword("", s.set.password)
	}
	return u.String()
}

// remove ends the server, deletes its files, and lets others have its ports.
func (s *Server) remove() error { return errors.Join(s.process.remove(), s.releasePorts()) }

func (s *Server) releasePorts() error { return errors.Join(s.port.release(), s.busPort.release()) }

// run starts the process and waits until it answers.
func (s *Server) run(w wait) error {
	if err := s.process.start(); err != nil {
		return err
	}
	client := goredis.NewClient(s.options())
	defer func() { _ = client.Close() }()
	return s.process.await(w, func(pid string) error { return answers(client, pid) })
}

// answers says whether the server is ready and is the one of that process: a
// port that was taken in between may lead to somebody else's.
func answers(client *goredis.Client, pid string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := client.Ping(ctx).Err(); err != nil {
		return err
	}
	info, err := client.Info(ctx, "server").Result()
	if err == nil && !strings.Contains(info, "process_id:"+pid+"\r\n") {
		err = errors.New("another server answers at the address")
	}
	return err
}

func (s *Server) options() *goredis.Options {
	opts := &goredis.Options{
		Addr: s.Addr, Password: s.set.password, Protocol: 2,
		MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true, DisableIdentity: true,
		DialTimeout: callTimeout, ReadTimeout: callTimeout, WriteTimeout: callTimeout, PoolTimeout: callTimeout,
	}
	if s.set.socket {
		opts.Network = "unix"
	}
	if s.set.certs != nil {
		opts.TLSConfig = s.set.certs.ClientConfig()
	}
	return opts
}

func (s *Server) own(tb testing.TB) {
	s.tb = tb
	tb.Cleanup(func() {
		if err := s.remove(); err != nil {
			tb.Errorf("redistest: %v", err)
		}
	})
}

// callTimeout is how long the clients of tests wait, whose contexts have no end of
// their own.
const callTimeout = time.Minute

// Client makes a client that never retries, and closes it with the test.
func (s *Server) Client(tb testing.TB) *goredis.Client {
	tb.Helper()
	client := goredis.NewClient(s.options())
	closeAtEnd(tb, client.Close)
	return client
}

func closeAtEnd(tb testing.TB, close func() error) {
	tb.Cleanup(func() {
		if err := close(); err != nil {
			tb.Errorf("redistest: close: %v", err)
		}
	})
}

// Pause freezes the process: connections stay open and nothing answers.
func (s *Server) Pause() { s.signal(sigFreeze) }

// Resume lets a paused process go on.
func (s *Server) Resume() { s.signal(sigThaw) }

func (s *Server) signal(sig syscall.Signal) {
	s.tb.Helper()
	if err := s.process.signal(sig); err != nil {
		s.tb.Fatalf("redistest: %v to the server at %s: %v", sig, s.Addr, err)
	}
}

// Kill ends the process at once, as SIGKILL does, and waits until it is gone.
func (s *Server) Kill() { s.process.kill() }

// Restart kills the process if it runs and starts it again at the same address,
// on the files that it left.
func (s *Server) Restart() {
	s.tb.Helper()
	s.Kill()
	w, cancel := waitFor(s.tb, unlimited)
	defer cancel()
	if err := s.run(w); err != nil {
		s.tb.Fatalf("redistest: restart the server at %s: %v", s.Addr, err)
	}
}
