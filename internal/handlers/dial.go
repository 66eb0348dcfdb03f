package handlers

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// The most that each step towards a request may take, within the timeout of a run.
const (
	connectTimeout   = 10 * time.Second
	handshakeTimeout = 10 * time.Second
)

// newTransport makes a connection pool that reaches allowed addresses only. The
// address is looked at when the socket is about to connect, after every name
// has been resolved, so it does not matter how the request came to it: by a
// name, by a redirect, or by a name that means something else the second time.
// Proxies are not used, for they would resolve names themselves. Nor is HTTP/2: a run
// has its connection for itself, and ends with it.
func newTransport(opts Options, allow func(netip.AddrPort) error) *http.Transport {
	d := &dialer{Dialer: net.Dialer{
		Timeout:  connectTimeout,
		Resolver: opts.resolver,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil {
				return err
			}
			return allow(at)
		},
	}, tls: tls.Config{RootCAs: opts.roots, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:            d.plain,
		DialTLSContext:         d.secure,
		Protocols:              &protocols,
		DisableCompression:     true, // a limit on the answer means what is sent
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    100,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// attempt is how the run that a connection is made for is found in the context of the
// dialer, which net/http cuts off from it.
type attempt struct{}

// withAttempt has what ctx is used for end with it, connecting included.
func withAttempt(ctx context.Context) context.Context { return context.WithValue(ctx, attempt{}, ctx) }

// dialer connects for as long as the run lasts that wants it, and no longer.
type dialer struct {
	net.Dialer

	tls tls.Config
}

// untilEnd gives a context that ends with the run that ctx belongs to.
func untilEnd(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	run, ok := ctx.Value(attempt{}).(context.Context)
	if !ok {
		return ctx, func() { cancel(nil) }
	}
	stop := context.AfterFunc(run, func() { cancel(context.Cause(run)) })
	return ctx, func() { stop(); cancel(nil) }
}

func (d *dialer) plain(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, done := untilEnd(ctx)
	defer done()
	return d.DialContext(ctx, network, address)
}

func (d *dialer) secure(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, done := untilEnd(ctx)
	defer done()
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	config := d.tls.Clone()
	if config.ServerName, _, err = net.SplitHostPort(address); err != nil {
		_ = conn.Close()
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secured, nil
}
