package store

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// startProxy runs a proxy before an echo.
func startProxy(t *testing.T, delay time.Duration) net.Conn {
	t.Helper()
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = echo.Close() })
	go func() {
		for {
			conn, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn) }()
		}
	}()
	in, stop := io.Pipe()
	said, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- ServeProxy(in, out, echo.Addr().String(), delay) }()
	t.Cleanup(func() {
		_ = stop.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestProxyDelays(t *testing.T) {
	const delay = 20 * time.Millisecond
	conn := startProxy(t, delay)
	lines := bufio.NewReader(conn)
	begun := time.Now()
	if _, err := fmt.Fprintln(conn, "one"); err != nil {
		t.Fatal(err)
	}
	if text, err := lines.ReadString('\n'); err != nil || text != "one\n" {
		t.Fatalf("%q, %v", text, err)
	}
	if trip := time.Since(begun); trip < 2*delay {
		t.Errorf("a round trip took %v, less than twice %v", trip, delay)
	}
}

// Pieces that are sent one after the other wait together, not each for the one before.
func TestProxyDoesNotAddUpDelays(t *testing.T) {
	const delay, pieces = 100 * time.Millisecond, 100
	conn := startProxy(t, delay)
	lines := bufio.NewReader(conn)
	begun := time.Now()
	go func() {
		for i := range pieces {
			_, _ = fmt.Fprintln(conn, i)
			time.Sleep(time.Millisecond) // so that the kernel does not join them
		}
	}()
	for i := range pieces {
		if text, err := lines.ReadString('\n'); err != nil || text != fmt.Sprintln(i) {
			t.Fatalf("piece %d: %q, %v", i, text, err)
		}
	}
	if took := time.Since(begun); took > pieces*delay/2 {
		t.Errorf("%d pieces took %v: they wait for each other", pieces, took)
	}
}
