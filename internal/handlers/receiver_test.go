package handlers

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

// bound is how long a test waits for what a timeout of a few 100 ms is to end.
const bound = 20 * time.Second

// receiver is a server that does as a test likes with its connections.
type receiver struct {
	url   string
	ended chan struct{} // one for each connection that is over
}

// receive runs a receiver; over TLS where protocols are given to choose from.
func receive(t *testing.T, protocols []string, act func(conn net.Conn, over <-chan struct{})) (*receiver, Options) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{url: "http://" + listener.Addr().String() + "/", ended: make(chan struct{}, 100)}
	var opts Options
	if protocols != nil {
		server := httptest.NewUnstartedServer(nil) // for its certificate
		server.StartTLS()
		defer server.Close()
		opts.roots = x509.NewCertPool()
		opts.roots.AddCert(server.Certificate())
		listener = tls.NewListener(listener, &tls.Config{Certificates: server.TLS.Certificates, NextProtos: protocols})
		r.url = "https" + strings.TrimPrefix(r.url, "http")
	}
	var running sync.WaitGroup
	over := make(chan struct{})
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				act(conn, over)
				_, _ = io.Copy(io.Discard, conn) // until the worker lets go of it
				_ = conn.Close()
				r.ended <- struct{}{}
			})
		}
	})
	t.Cleanup(func() {
		close(over)
		_ = listener.Close()
		running.Wait()
	})
	return r, opts
}

// trickle writes a text again and again, every so often, for as long as it is taken.
func trickle(conn net.Conn, text string, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if _, err := io.WriteString(conn, text); err != nil {
			return
		}
		<-ticker.C
	}
}

func readHead(conn net.Conn) {
	for lines := bufio.NewScanner(conn); lines.Scan() && lines.Text() != ""; {
	}
}

// answering reads the head of a request and writes a text, and then another again
// and again.
func answering(text, again string) func(net.Conn, <-chan struct{}) {
	return func(conn net.Conn, _ <-chan struct{}) {
		readHead(conn)
		_, _ = io.WriteString(conn, text)
		if again != "" {
			trickle(conn, again, time.Millisecond)
		}
	}
}

const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"

// receivers are the bad manners that a run must outlast.
var receivers = map[string]struct {
	protocols []string
	act       func(net.Conn, <-chan struct{})
	body      int // bytes of the arguments
}{
	"is silent":                  {act: silent},
	"does not take the request":  {act: deaf, body: 16 << 20},
	"continues for ever":         {act: answering("", "HTTP/1.1 100 Continue\r\n\r\n")},
	"hints for ever":             {act: answering("", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")},
	"answers 199 and no more":    {act: answering("HTTP/1.1 199 Soon\r\n\r\n", "")},
	"trickles its status":        {act: answering("HTTP/1.1 200 ", "x")},
	"trickles its headers":       {act: answering("HTTP/1.1 200 OK\r\n", "X: y\r\n")},
	"trickles its answer":        {act: answering("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "x")},
	"trickles chunks":            {act: answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n")},
	"trickles half a chunk":      {act: answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "x")},
	"trickles trailers":          {act: answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0\r\n", "X: y\r\n")},
	"trickles an error":          {act: answering("HTTP/1.1 500 No\r\n\r\n", "x")},
	"trickles a refusal":         {act: answering("HTTP/1.1 404 No\r\nContent-Length: 1000\r\n\r\nx", "")},
	"trickles a redirect":        {act: answering("HTTP/1.1 307 There\r\nLocation: /x\r\nContent-Length: 1000\r\n\r\n", "x")},
	"asks to wait, and trickles": {act: answering("HTTP/1.1 503 Busy\r\nRetry-After: 1\r\n\r\n", "x")},
	"does not shake hands":       {protocols: []string{}, act: silent},
	"is silent over TLS":         {protocols: []string{"http/1.1"}, act: answering("", "")},
	"does not take it over TLS":  {protocols: []string{"http/1.1"}, act: shakes, body: 16 << 20},
	"answers before it takes the request": {act: func(conn net.Conn, over <-chan struct{}) {
		answering("HTTP/1.1 200 OK\r\n\r\n", "")(conn, over)
		deaf(conn, over)
	}, body: 16 << 20},
	"speaks HTTP/2 alone": {protocols: []string{"h2"}, act: answering("", "")},
}

func silent(net.Conn, <-chan struct{}) {}

// deaf takes nothing from the connection.
func deaf(_ net.Conn, over <-chan struct{}) { <-over }

// shakes is deaf after the handshake.
func shakes(conn net.Conn, over <-chan struct{}) {
	_ = conn.(*tls.Conn).Handshake()
	deaf(conn, over)
}

func pause(d time.Duration) { <-time.After(d) }

// TestNothingOutlivesARun: whatever a receiver does, the run ends with its timeout or
// when it is cancelled, and so does its connection.
func TestNothingOutlivesARun(t *testing.T) {
	t.Parallel()
	for name, c := range receivers {
		for _, how := range []string{"timeout", "cancel"} {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				arrived := make(chan struct{}, 100)
				act := func(conn net.Conn, over <-chan struct{}) { arrived <- struct{}{}; c.act(conn, over) }
				r, opts := receive(t, c.protocols, act)
				cfg := &HTTP{URL: r.url, AllowPrivate: true, Timeout: 300 * time.Millisecond, Redirects: 3}
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if how == "cancel" {
					cfg.Timeout = time.Hour
					go func() {
						<-arrived
						pause(100 * time.Millisecond) // wherever it is by then
						cancel(drayhorse.ErrStopping)
					}()
				}
				begin := time.Now()
				job := newJob(`"` + strings.Repeat("x", c.body) + `"`)
				err := buildOne(t, Config{HTTP: cfg}, opts)(ctx, job.Job)
				if took := time.Since(begin); took > bound {
					t.Errorf("the run took %v", took)
				}
				if to := destination(err); to != drayhorse.Retryable && !strings.Contains(name, "refusal") {
					t.Errorf("error is %v: the job is %s; want it tried again", err, to)
				}
			})
		}
	}
}

// TestSwitchOfProtocolsIsNoAnswer: it fails at once, and the connection is let go of.
func TestSwitchOfProtocolsIsNoAnswer(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(net.Conn, <-chan struct{}){
		"holds":             answering(switching, ""),
		"floods":            answering(switching, "x"),
		"names no protocol": answering("HTTP/1.1 101 Switching Protocols\r\n\r\n", ""),
		"after other hints": answering("HTTP/1.1 103 Early Hints\r\n\r\n"+switching, ""),
		"behind a redirect": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var hops atomic.Int64
			if act == nil {
				act = func(conn net.Conn, over <-chan struct{}) {
					if hops.Add(1) == 1 {
						answering("HTTP/1.1 307 There\r\nLocation: /x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "")(conn, over)
						_ = conn.Close()
						return
					}
					answering(switching, "")(conn, over)
				}
			}
			r, opts := receive(t, nil, act)
			cfg := &HTTP{URL: r.url, AllowPrivate: true, Timeout: time.Hour, Redirects: 3}
			err := buildOne(t, Config{HTTP: cfg}, opts)(t.Context(), newJob("{}").Job)
			if destination(err) != drayhorse.Retryable || !strings.Contains(err.Error(), "101 Switching Protocols: want an answer, not another protocol") {
				t.Errorf("error is %v; want the attempt failed", err)
			}
			select {
			case <-r.ended:
			case <-time.After(bound):
				t.Error("the connection is kept")
			}
		})
	}
}

// TestARunHasItsConnectionForItself: a receiver that offers HTTP/2 gets HTTP/1.1.
func TestARunHasItsConnectionForItself(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	opts := Options{roots: x509.NewCertPool()}
	opts.roots.AddCert(server.Certificate())
	job := newJob("{}")
	if err := buildOne(t, Config{HTTP: &HTTP{URL: server.URL, AllowPrivate: true}}, opts)(t.Context(), job.Job); err != nil || job.text(t) != "HTTP/1.1" {
		t.Errorf("%v, %s", err, job.result)
	}
}

// TestConnectingEndsWithItsRun: net/http goes on with it in the background.
func TestConnectingEndsWithItsRun(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 1)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ended := make(chan struct{})
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		arrived <- struct{}{}
		_, _ = io.Copy(io.Discard, conn) // a handshake begins, and is not answered
		_ = conn.Close()
		close(ended)
	}()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	cfg := &HTTP{URL: fmt.Sprintf("https://%s/", listener.Addr()), AllowPrivate: true, Timeout: time.Hour}
	if err := buildOne(t, Config{HTTP: cfg}, Options{})(ctx, newJob("{}").Job); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	begin := time.Now()
	select {
	case <-ended:
	case <-time.After(bound):
		t.Fatal("the connection is kept")
	}
	if took := time.Since(begin); took > handshakeTimeout/2 {
		t.Errorf("the connection ended %v after its run", took)
	}
}
