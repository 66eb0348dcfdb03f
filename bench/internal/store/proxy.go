package store

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/drayhorse/drayhorse/bench/internal/process"
)

// Far gives the place as it is seen through a proxy that adds to each round trip. The
// proxy is a process of its own, so that its CPU is nobody's, and ends with the store.
func (s *Store) Far(ctx context.Context, roundTrip time.Duration) (Place, error) {
	p, addr, err := process.Role(ctx, "proxy", "-target", hostPort(s.Direct), "-delay", (roundTrip / 2).String())
	if err != nil {
		return Place{}, err
	}
	s.stop = append(s.stop, p.End)
	far := s.Place
	far.URL = via(s.Direct, addr)
	return far, nil
}

// parcel is a piece of data on its way.
type parcel struct {
	due  time.Time
	data []byte // nil: the end
	to   chan<- []byte
}

// ServeProxy is the role of the proxy's process: it relays TCP to the target and holds
// every piece of data back for delay, in each direction. All pieces wait in one line:
// the delay is the same for all, so the first in is the first out, and no piece waits
// for the sleep of another. Throughput is not limited.
func ServeProxy(in io.Reader, out io.Writer, target string, delay time.Duration) error {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it does not block
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, l.Addr()); err != nil {
		return err
	}
	line := make(chan parcel, 1<<16)
	go deliver(line)
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go relay(client, target, delay, line)
		}
	}()
	_, err = io.Copy(io.Discard, in) // until the parent closes it
	return err
}

// deliver passes each piece on at its time.
func deliver(line <-chan parcel) {
	sleep := sleeper()
	for p := range line {
		sleep(time.Until(p.due))
		p.to <- p.data
	}
}

func relay(client net.Conn, target string, delay time.Duration, line chan<- parcel) {
	server, err := net.Dial("tcp", target) //nolint:noctx // on loopback it connects or fails at once
	if err != nil {
		_ = client.Close()
		return
	}
	go move(client, server, delay, line)
	move(server, client, delay, line)
}

// move relays one direction until its end.
func move(from, to net.Conn, delay time.Duration, line chan<- parcel) {
	ready := make(chan []byte, 4096)
	go write(to, ready)
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			line <- parcel{time.Now().Add(delay), append([]byte(nil), buffer[:n]...), ready}
		}
		if err != nil {
			line <- parcel{time.Now().Add(delay), nil, ready}
			return
		}
	}
}

// write writes until the end comes by, whether or not the other side still reads.
func write(to net.Conn, ready <-chan []byte) {
	defer func() { _ = to.Close() }()
	for data := range ready {
		if data == nil {
			return
		}
		if _, err := to.Write(data); err != nil {
			_ = to.Close() // the rest is discarded
		}
	}
}
