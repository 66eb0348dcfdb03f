package ui_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/dashboard"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/cli/ui"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// open serves a dashboard until the test ends, and gives its address.
func open(t *testing.T, patience time.Duration) string {
	t.Helper()
	site, err := ui.Open(cli.Connection{RedisURL: cli.RedisURL(redistest.Shared(t)), Namespace: redistest.Namespace(t)}, dashboard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	site.Hurry(patience)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- site.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		site.Close()
	})
	return listener.Addr().String()
}

// TestSlowClientsAreCut, whatever they are slow with, and keep nobody out meanwhile.
func TestSlowClientsAreCut(t *testing.T) {
	t.Parallel()
	addr := open(t, 200*time.Millisecond)
	var slow []net.Conn
	for i := range 300 {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		begin := []string{
			"", "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ",
			"POST /do HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\naction=",
		}[i%3]
		if _, err := io.WriteString(conn, begin); err != nil {
			t.Fatal(err)
		}
		slow = append(slow, conn)
	}
	resp, err := http.Get("http://" + addr + "/static/style.css")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("others are kept out: %v, %v", resp, err)
	} else {
		_ = resp.Body.Close()
	}
	for i, conn := range slow {
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.Copy(io.Discard, conn); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("connection %d goes on: %v", i, err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestOversizedRequestsAreRefused by what is too large of them.
func TestOversizedRequestsAreRefused(t *testing.T) {
	t.Parallel()
	addr := open(t, 0)
	const form = "POST /do HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
	for name, c := range map[string]struct {
		text string
		code int
	}{
		"a header":         {"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", http.StatusRequestHeaderFieldsTooLarge},
		"many cookies":     {"GET / HTTP/1.1\r\nHost: localhost\r\n" + strings.Repeat("Cookie: a=b\r\n", 5000) + "\r\n", http.StatusRequestHeaderFieldsTooLarge},
		"an address":       {"GET /?done=" + strings.Repeat("a", 9000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", http.StatusRequestURITooLong},
		"a form":           {form + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", 200<<10, "action="+strings.Repeat("x", 200<<10-7)), http.StatusRequestEntityTooLarge},
		"a form in chunks": {form + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1000\r\n"+strings.Repeat("x", 0x1000)+"\r\n", 50) + "0\r\n\r\n", http.StatusRequestEntityTooLarge},
	} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.WriteString(conn, c.text) }() // it may be cut before it has all
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != c.code {
			t.Errorf("%s: %v, %v; want %d", name, resp, err, c.code)
		} else {
			_ = resp.Body.Close()
		}
		_ = conn.Close()
	}
}
