package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/drayhorse/drayhorse"
)

// Listening says where a server listens, and what protects it there.
type Listening struct {
	// Addr is HOST:PORT, :PORT, or unix:PATH for a socket file.
	Addr string
	// SocketMode is the mode of a socket file. 0: DefaultSocketMode.
	SocketMode SocketMode
	// Tokens: clients are asked for them, or as Login says.
	Tokens bool
	// Login is what clients are asked for. nil: tokens of a token_file.
	Login *Login
	// TLS: the connections are encrypted.
	TLS bool
	// InsecurePlaintext allows tokens to cross a network readable.
	InsecurePlaintext bool
}

// Login says what clients are asked for, in the words of a refusal.
type Login struct {
	Setting string // that has it, such as token_file
	Want    string // what to set it to
	Secrets string // what would cross the network
	Usual   string // an address of this machine alone
}

var byTokens = Login{"token_file", "a token file", "tokens", "127.0.0.1:8080"}

const unixPrefix = "unix:"

// IsUnix reports whether an address is that of a socket file.
func IsUnix(addr string) bool { return strings.HasPrefix(addr, unixPrefix) }

// Validate refuses, with drayhorse.ErrInvalid, to serve beyond this machine without
// tokens, since whoever reaches the port could put jobs in, and to serve tokens without
// TLS there, since whoever listens on the way could use them.
func (l Listening) Validate() error {
	if path, ok := strings.CutPrefix(l.Addr, unixPrefix); ok {
		if !filepath.IsAbs(path) {
			return fmt.Errorf("%w: listen %q; want unix: and an absolute path", drayhorse.ErrInvalid, l.Addr)
		}
		return nil
	}
	resolved, err := net.ResolveTCPAddr("tcp", l.Addr)
	if err != nil {
		return fmt.Errorf("%w: listen %q: %w", drayhorse.ErrInvalid, l.Addr, err)
	}
	login := byTokens
	if l.Login != nil {
		login = *l.Login
	}
	switch outside := !resolved.IP.IsLoopback(); {
	case outside && !l.Tokens:
		return fmt.Errorf("%w: listen %q without %s; want %s, or a loopback address such as %s", drayhorse.ErrInvalid, l.Addr, login.Setting, login.Want, login.Usual)
	case outside && !l.TLS && !l.InsecurePlaintext:
		return fmt.Errorf("%w: listen %q without tls_cert: %s would cross the network readable; want tls_cert and tls_key, a loopback address, or insecure_plaintext where something else encrypts", drayhorse.ErrInvalid, l.Addr, login.Secrets)
	}
	return nil
}

// Listen opens an address, if it is valid.
func Listen(ctx context.Context, l Listening) (net.Listener, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	if path, ok := strings.CutPrefix(l.Addr, unixPrefix); ok {
		return listenUnix(ctx, path, l.SocketMode)
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", l.Addr)
}

// SocketMode is the mode of a socket file, written in octal: who may write to it may
// connect.
type SocketMode os.FileMode

// DefaultSocketMode lets the user and the group of the server connect.
const DefaultSocketMode SocketMode = 0o660

// UnmarshalText takes three octal digits, with zeros before them or not.
func (m *SocketMode) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 8, 32)
	if err != nil || n > 0o777 || len(text) < 3 {
		return fmt.Errorf("%w: %q; want an octal mode such as 0660", drayhorse.ErrInvalid, clip(string(text)))
	}
	*m = SocketMode(n)
	return nil
}

// MarshalText writes it with a zero before it.
func (m SocketMode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

func (m SocketMode) String() string { return fmt.Sprintf("0%03o", uint32(m)) }

// staleTimeout is how long a server that may hold a socket file has to answer.
const staleTimeout = time.Second

// listenUnix makes a socket file, which has its mode from its first moment on. One that
// a server left behind is replaced.
func listenUnix(ctx context.Context, path string, mode SocketMode) (net.Listener, error) {
	if mode == 0 {
		mode = DefaultSocketMode
	}
	if err := removeStale(ctx, path); err != nil {
		return nil, err
	}
	restore := narrowMask() // nobody connects before the mode is set
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	restore()
	if err != nil {
		return nil, fmt.Errorf("listen on a socket: %w", err)
	}
	if err := os.Chmod(path, os.FileMode(mode)); err != nil {
		return nil, errors.Join(fmt.Errorf("listen on a socket: %w", err), listener.Close())
	}
	return listener, nil
}

// removeStale removes a socket file that no server answers on, and nothing else.
func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("%w: listen %q: %w", drayhorse.ErrInvalid, unixPrefix+path, err)
	case info.Mode().Type() != os.ModeSocket:
		return fmt.Errorf("%w: listen %q: there is a file that is no socket; want another path", drayhorse.ErrInvalid, unixPrefix+path)
	}
	dialer := net.Dialer{Timeout: staleTimeout}
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err == nil {
		_ = conn.Close()
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%w: listen %q: another server listens there", drayhorse.ErrInvalid, unixPrefix+path)
	}
	return os.Remove(path)
}

// isLocal reports whether a request came by a socket file, which only programs of this
// machine reach.
func isLocal(r *http.Request) bool {
	_, ok := r.Context().Value(http.LocalAddrContextKey).(*net.UnixAddr)
	return ok
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
