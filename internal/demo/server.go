package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse/internal/embedded"
)

// server is where the jobs are.
type server struct {
	name string // for people
	url  string
}

// startServer starts a redis-server of the demo's own, or the embedded server
// where none that is new enough is installed.
func (s *stage) startServer(ctx context.Context, wantEmbedded bool) (server, error) {
	if !wantEmbedded {
		if path, version := findServer(ctx); path != "" {
			return s.startRedis(ctx, path, version)
		}
	}
	e, err := embedded.Start("")
	if err != nil {
		return server{}, err
	}
	s.last = append(s.last, e.Close)
	return server{name: "the embedded server", url: e.URL()}, nil
}

// oldest is the oldest major version of Redis, and of Valkey, that serves.
const oldest = 7

var versionPattern = regexp.MustCompile(`^(\w+) server v=((\d+)[\d.]*)`)

// findServer looks for a server in PATH. The version has its name, as in "Redis
// 7.0.15".
func findServer(ctx context.Context) (path, version string) {
	for _, name := range []string{"redis-server", "valkey-server"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		out, err := exec.CommandContext(ctx, path, "--version").Output() //nolint:gosec // found in PATH by its name
		match := versionPattern.FindStringSubmatch(string(out))
		if err != nil || match == nil {
			continue
		}
		if major, err := strconv.Atoi(match[3]); err == nil && major >= oldest {
			return path, match[1] + " " + match[2]
		}
	}
	return "", ""
}

var errPortTaken = errors.New("the port is taken")

// startRedis starts a server on a free port, on another if somebody takes it first.
func (s *stage) startRedis(ctx context.Context, path, version string) (server, error) {
	for {
		addr, err := freeAddr(ctx)
		if err != nil {
			return server{}, err
		}
		_, port, _ := net.SplitHostPort(addr) // it has one
		c, err := s.start("redis-server", path, "--bind", "127.0.0.1", "--port", port,
			"--dir", s.dir, "--save", "", "--appendonly", "yes", "--daemonize", "no")
		if err == nil {
			err = awaitRedis(ctx, c)
		}
		if err == nil {
			return server{name: version, url: "redis://" + addr + "/0"}, nil
		}
		if !errors.Is(err, errPortTaken) {
			return server{}, err
		}
	}
}

// freeAddr finds a port of the loopback interface that nobody listens on.
func freeAddr(ctx context.Context) (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// startTimeout is how long a process may take until it can do its job. One that ends
// before is noticed at once; one that starts may wait long for a busy machine or disk.
const startTimeout = 2 * time.Minute

// awaitRedis waits until the server says that it is ready. Only its own word tells
// it from another that got the port.
func awaitRedis(ctx context.Context, c *child) error {
	err := until(ctx, startTimeout, "redis-server is ready", func() (bool, error) {
		return strings.Contains(c.words(), "Ready to accept connections"), c.check()
	})
	if c.hasExited() && strings.Contains(c.words(), "Address already in use") {
		c.ending = true // another is tried
		return errPortTaken
	}
	if err != nil {
		return fmt.Errorf("redis-server: %w", err)
	}
	return nil
}
