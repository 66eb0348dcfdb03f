// Package store runs the servers that systems keep their jobs in, each a process of
// the benchmark's own, on loopback.
package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/drayhorse/drayhorse/bench/internal/process"
)

// Kind is a kind of server.
type Kind string

// The kinds.
const (
	Redis    Kind = "redis"
	Postgres Kind = "postgres"
	NATS     Kind = "nats"
)

// Place tells a process of the benchmark where a store is.
type Place struct {
	Kind    Kind
	URL     string // for the system that is measured; it may lead through a proxy
	Direct  string // past the proxy
	PID     int
	Durable bool // what is acknowledged reaches the disk within about a second
}

// CPU is how many CPU seconds the store has used.
func (p Place) CPU() (float64, error) { return process.CPU(p.PID) }

// String is the place as an argument of a program.
func (p Place) String() string {
	text, _ := json.Marshal(p) // strings and numbers alone
	return string(text)
}

// Store is a server that runs.
type Store struct {
	Place
	Version string

	stop []func()
}

// Start runs a server of a kind, durable or in memory as far as it can.
func Start(ctx context.Context, kind Kind, durable bool) (*Store, error) {
	starts := map[Kind]func(context.Context, bool) (*Store, error){
		Redis: startRedis, Postgres: startPostgres, NATS: startNATS,
	}
	s, err := starts[kind](ctx, durable)
	if err != nil {
		return nil, err
	}
	s.Kind, s.Durable, s.Direct = kind, durable, s.URL
	return s, nil
}

// Stop ends the server and deletes its files.
func (s *Store) Stop() {
	for i := len(s.stop) - 1; i >= 0; i-- {
		s.stop[i]()
	}
	s.stop = nil
}

// hostPort cuts host:port out of a URL.
func hostPort(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	if _, after, found := strings.Cut(rest, "@"); found {
		rest = after
	}
	addr, _, _ := strings.Cut(rest, "/")
	return addr
}

// via is the URL through something that listens at addr.
func via(url, addr string) string { return strings.Replace(url, hostPort(url), addr, 1) }

func ended(what string, err error, log string) error {
	return fmt.Errorf("%s does not answer: %w\n%s", what, err, log)
}
