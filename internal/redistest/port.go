package redistest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// port is a TCP port of 127.0.0.1 that this process alone takes, of all that use this
// package: it holds the UDP port of the same number, also while nobody listens on the
// port itself, such as between the kill of a server and its restart.
type port struct {
	number int
	held   net.PacketConn
}

// FreeAddr gives an address, host:port, that nobody listens on, and that nobody else who
// uses this package takes until the test ends.
func FreeAddr(tb testing.TB) string {
	tb.Helper()
	p, err := newPort()
	if err != nil {
		tb.Fatalf("redistest: %v", err)
	}
	closeAtEnd(tb, p.release)
	return p.addr()
}

// newPort finds a port that nobody listens on. It stays below the ports that systems
// give to outgoing connections.
func newPort() (*port, error) {
	var err error
	for range 1000 {
		var p *port
		if p, err = holdPort(10_000 + rand.IntN(20_000)); err == nil {
			return p, nil
		}
	}
	return nil, fmt.Errorf("no free port: %w", err)
}

// holdPort fails if somebody holds the port or listens on it. It dials to see who
// listens: a listener that it closed again would go on for a moment in each process that
// another goroutine just starts, which has its parent's files until it runs its program.
func holdPort(number int) (*port, error) {
	p := &port{number: number}
	var err error
	if p.held, err = net.ListenPacket("udp", p.addr()); err != nil {
		return nil, err
	}
	if c, err := net.DialTimeout("tcp", p.addr(), callTimeout); !errors.Is(err, syscall.ECONNREFUSED) {
		if err == nil {
			err = errors.Join(fmt.Errorf("%s has a listener", p.addr()), c.Close())
		}
		return nil, errors.Join(err, p.release())
	}
	return p, nil
}

// listen waits for what is left of an earlier listener: see holdPort.
func (p *port) listen() (net.Listener, error) {
	for end := time.Now().Add(callTimeout); ; time.Sleep(time.Millisecond) {
		l, err := net.Listen("tcp", p.addr())
		if !errors.Is(err, syscall.EADDRINUSE) || time.Now().After(end) {
			return l, err
		}
	}
}

// addr is host:port.
func (p *port) addr() string { return net.JoinHostPort("127.0.0.1", p.String()) }

// String is the number.
func (p *port) String() string { return strconv.Itoa(p.number) }

// release lets others have the port. There may be none.
func (p *port) release() error {
	if p == nil {
		return nil
	}
	return p.held.Close()
}
