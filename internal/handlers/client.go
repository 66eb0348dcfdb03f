package handlers

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// errDowngrade refuses a redirect that would take the arguments out of TLS.
var errDowngrade = errors.New("redirect from https to http")

// clients are what the http handlers of a worker share: two connection pools,
// one for hosts that may be at private addresses and one for all others, and the
// slots of each host.
type clients struct {
	public, private *http.Transport
	slots           map[string]slots // by host and port, where there is a limit
}

func newClients(configs map[string]Config, opts Options) *clients {
	c := &clients{
		public:  newTransport(opts, opts.allow),
		private: newTransport(opts, opts.allowPrivate),
		slots:   make(map[string]slots),
	}
	for _, cfg := range configs {
		if cfg.HTTP == nil || cfg.HTTP.MaxPerHost <= 0 {
			continue
		}
		u, err := cfg.HTTP.parseURL()
		if err != nil {
			continue // build says so
		}
		host := hostPort(u)
		if known, ok := c.slots[host]; !ok || cfg.HTTP.MaxPerHost < cap(known) {
			c.slots[host] = make(slots, cfg.HTTP.MaxPerHost)
		}
	}
	return c
}

func (c *clients) close() {
	c.public.CloseIdleConnections()
	c.private.CloseIdleConnections()
}

// newClient makes a client that follows up to limit redirects, and only where
// the method stays: a POST never becomes a GET. The signature, and the headers named
// in own, stay with the origin that they are meant for: once a redirect has led to
// another, that one decides where it goes on, even back.
func newClient(transport http.RoundTripper, limit int, own http.Header) *http.Client {
	return &http.Client{
		Transport: transport,
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			first, last := via[0], via[len(via)-1]
			if len(via) > limit || req.Method != first.Method {
				return http.ErrUseLastResponse
			}
			req.Header.Del("Referer")
			if last.URL.Scheme == "https" && req.URL.Scheme != "https" {
				return errDowngrade
			}
			elsewhere := func(r *http.Request) bool { return origin(r.URL) != origin(first.URL) }
			if elsewhere(req) || slices.ContainsFunc(via, elsewhere) {
				req.Header.Del(headerSignature)
				for name := range own {
					req.Header.Del(name)
				}
			}
			return nil
		},
	}
}

// origin is what a redirect must not leave for secrets to go along.
func origin(u *url.URL) string { return u.Scheme + "://" + hostPort(u) }

// home is the pool of a handler that may reach private addresses: those of its own
// host alone. Where a redirect leads is judged as for any other handler.
type home struct {
	host            string
	public, private http.RoundTripper
}

// RoundTrip is http.RoundTripper.
func (h *home) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.EqualFold(req.URL.Hostname(), h.host) {
		return h.private.RoundTrip(req)
	}
	return h.public.RoundTrip(req)
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = u.Scheme
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// slots limits how many requests are under way to a host; nil is no limit.
type slots chan struct{}

// take waits for a slot. The error is the cause of ctx.
func (s slots) take(ctx context.Context) error {
	if s == nil {
		return nil
	}
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s slots) put() {
	if s != nil {
		<-s
	}
}
