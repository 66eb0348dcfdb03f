package httpapi

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/drayhorse/drayhorse"
)

// Listen opens addr, HOST:PORT or :PORT. Unless tokens are asked for, it refuses
// all but loopback addresses with drayhorse.ErrInvalid: whoever reaches the port
// could put jobs in.
func Listen(ctx context.Context, addr string, tokens bool) (net.Listener, error) {
	resolved, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%w: listen %q: %w", drayhorse.ErrInvalid, addr, err)
	}
	if !tokens && !resolved.IP.IsLoopback() {
		return nil, fmt.Errorf("%w: listen %q without token_file; want a token file, or a loopback address such as 127.0.0.1:8080", drayhorse.ErrInvalid, addr)
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", resolved.String())
}

// isLoopback reports whether the Host of a request names this machine.
func isLoopback(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	return strings.EqualFold(name, "localhost") || ip.IsLoopback()
}
