package handlers

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"

	"github.com/drayhorse/drayhorse"
)

// Func is a handler of raw arguments, as a worker takes it.
type Func = func(ctx context.Context, job *drayhorse.Job[json.RawMessage]) error

// Config is the handler of one kind: exactly one of Exec and HTTP is set.
type Config struct {
	// Queues are those whose jobs the handler takes; none means all that the worker
	// works on.
	Queues []string `yaml:"queues,omitempty"`

	Exec *Exec `yaml:"exec,omitempty"`
	HTTP *HTTP `yaml:"http,omitempty"`
}

// Validate reports the first impossible value, by its key, as ErrInvalid. It
// looks at the values alone: whether commands, files and variables exist is
// seen by [Build].
func (c Config) Validate() error {
	for i, queue := range c.Queues {
		if err := drayhorse.ValidateQueue(queue); err != nil {
			return invalidf(fmt.Sprintf("queues[%d]", i), "%q; want the name of a queue", queue)
		}
	}
	switch {
	case c.Exec != nil && c.HTTP != nil:
		return &invalid{what: "has exec and http; want one of them"}
	case c.Exec != nil:
		return prefix("exec", c.Exec.Validate())
	case c.HTTP != nil:
		return prefix("http", c.HTTP.Validate())
	}
	return &invalid{what: "has no handler; want exec or http"}
}

// Options are what handlers are built with. The zero value is ready to use.
type Options struct {
	// Logger hears of results that were not kept; nil means none.
	Logger *slog.Logger
	// LookupEnv gives the variables of the worker that a configuration names;
	// nil means os.LookupEnv.
	LookupEnv func(name string) (string, bool)

	// What tests put in place of the world.
	resolver     *net.Resolver                   // nil: the system's
	allow        func(addr netip.AddrPort) error // nil: checkPublic
	allowPrivate func(addr netip.AddrPort) error // with allow_private; nil: checkMetadata
	roots        *x509.CertPool                  // nil: the system's
}

// Set is the handlers of a worker.
type Set struct {
	// Funcs holds the handler of each kind.
	Funcs map[string]Func

	clients *clients
}

// HasCommands reports whether any handler runs commands.
func HasCommands(configs map[string]Config) bool {
	for _, c := range configs {
		if c.Exec != nil {
			return true
		}
	}
	return false
}

// Close closes the idle connections of the http handlers. Call it when the
// worker has stopped.
func (s *Set) Close() { s.clients.close() }

// Build makes a handler for each kind. The command of an exec handler is found,
// and secrets are read, here and once. The errors are ErrInvalid and name kind,
// key and value.
func Build(configs map[string]Config, opts Options) (*Set, error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.LookupEnv == nil {
		opts.LookupEnv = os.LookupEnv
	}
	if opts.allow == nil {
		opts.allow = checkPublic
	}
	if opts.allowPrivate == nil {
		opts.allowPrivate = checkMetadata
	}
	set := &Set{Funcs: make(map[string]Func, len(configs)), clients: newClients(configs, opts)}
	for _, kind := range slices.Sorted(maps.Keys(configs)) {
		if err := drayhorse.ValidateKind(kind); err != nil {
			return nil, err
		}
		run, err := build(configs[kind], opts, set.clients)
		if err != nil {
			return nil, prefix("handlers."+kind, err)
		}
		set.Funcs[kind] = gate(kind, configs[kind].Queues, run, opts.Logger)
	}
	return set, nil
}

func build(c Config, opts Options, clients *clients) (Func, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Exec != nil {
		cmd, err := newCommand(*c.Exec, opts)
		if err != nil {
			return nil, prefix("exec", err)
		}
		return cmd.run, nil
	}
	hook, err := newHook(*c.HTTP, opts, clients)
	if err != nil {
		return nil, prefix("http", err)
	}
	return hook.run, nil
}
