package handlers

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
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
		public:  newTransport(opts.resolver, opts.allow),
		private: newTransport(opts.resolver, func(netip.AddrPort) error { return nil }),
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

// newTransport makes a connection pool that reaches allowed addresses only. The
// address is looked at when the socket is about to connect, after every name
// has been resolved, so it does not matter how the request came to it: by a
// name, by a redirect, or by a name that means something else the second time.
// Proxies are not used, for they would resolve names themselves.
func newTransport(resolver *net.Resolver, allow func(netip.AddrPort) error) *http.Transport {
	dialer := &net.Dialer{
		Timeout:  10 * time.Second,
		Resolver: resolver,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil {
				return err
			}
			return allow(at)
		},
	}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // a limit on the answer means what is sent
		TLSHandshakeTimeout:    10 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    100,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// newClient makes a client that follows up to limit redirects, and only where
// the method stays: a POST never becomes a GET. The headers named in own stay
// with the origin that they are meant for.
func newClient(transport http.RoundTripper, limit int, own http.Header) *http.Client {
	return &http.Client{
		Transport: transport,
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			first := via[0]
			if len(via) > limit || req.Method != first.Method {
				return http.ErrUseLastResponse
			}
			req.Header.Del("Referer")
			if first.URL.Scheme == "https" && req.URL.Scheme != "https" {
				return errDowngrade
			}
			if req.URL.Scheme != first.URL.Scheme || hostPort(req.URL) != hostPort(first.URL) {
				for name := range own {
					req.Header.Del(name)
				}
			}
			return nil
		},
	}
}

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
