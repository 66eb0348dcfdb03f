package httpapi_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/httpapi"
)

func TestTokensCrossANetworkByTLSAlone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		listening httpapi.Listening
		want      string
	}{
		{httpapi.Listening{Addr: ":0", Tokens: true}, "without tls_cert: tokens would cross the network readable"},
		{httpapi.Listening{Addr: "192.0.2.1:0", Tokens: true}, "insecure_plaintext"},
		{httpapi.Listening{Addr: ":0", InsecurePlaintext: true}, "without token_file"},
		{httpapi.Listening{Addr: ":0", TLS: true}, "without token_file"},
		{httpapi.Listening{Addr: "unix:socket"}, "an absolute path"},
		{httpapi.Listening{Addr: "unix:"}, "an absolute path"},
		{httpapi.Listening{Addr: ":0", Tokens: true, InsecurePlaintext: true}, ""},
		{httpapi.Listening{Addr: ":0", Tokens: true, TLS: true}, ""},
		{httpapi.Listening{Addr: "127.0.0.1:0", Tokens: true}, ""},
	} {
		listener, err := httpapi.Listen(t.Context(), c.listening)
		if err == nil {
			_ = listener.Close()
		}
		if c.want == "" != (err == nil) || err != nil && (!errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v; want %q", c.listening, err, c.want)
		}
	}
}

// serveOn has a door's server listen elsewhere, too.
func (d *door) serveOn(l httpapi.Listening) {
	d.t.Helper()
	listener, err := httpapi.Listen(d.t.Context(), l)
	if err != nil {
		d.t.Fatal(err)
	}
	server := &http.Server{Handler: d.server}
	go func() { _ = server.Serve(listener) }()
	d.t.Cleanup(func() { _ = server.Close() })
}

func TestASocketFileHasItsMode(t *testing.T) {
	t.Parallel()
	d := setup(t)
	path := filepath.Join(t.TempDir(), "s")
	d.serveOn(httpapi.Listening{Addr: "unix:" + path, SocketMode: 0o600})
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	d.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	d.addr = "producer.example" // nobody else gets here, whatever the name
	if a := d.post(`{"kind":"k"}`); a.code != http.StatusCreated {
		t.Errorf("%d %s", a.code, a.body)
	}
	if a := d.post(`{"kind":"k"}`, "X-Forwarded-For: 192.0.2.1"); a.code != http.StatusForbidden {
		t.Errorf("from a proxy: %d %s", a.code, a.body)
	}
	if _, err := httpapi.Listen(t.Context(), httpapi.Listening{Addr: "unix:" + path}); err == nil || !strings.Contains(err.Error(), "another server listens there") {
		t.Errorf("a second server: %v", err)
	}
}

func TestOnlyAStaleSocketFileIsReplaced(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	_ = left.Close() // as one that was killed
	listener, err := httpapi.Listen(t.Context(), httpapi.Listening{Addr: "unix:" + path})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != os.FileMode(httpapi.DefaultSocketMode) {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	_ = listener.Close()
	write(t, path, "precious")
	if _, err := httpapi.Listen(t.Context(), httpapi.Listening{Addr: "unix:" + path}); !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file: %v", err)
	}
}

func TestWithoutTokensNoProxyIsServed(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for _, header := range []string{"X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1", "X-Real-IP: 192.0.2.1", "Via: 1.1 proxy", "X-Forwarded-Proto: https"} {
		if a := d.post(`{"kind":"k"}`, header); a.code != http.StatusForbidden || !strings.Contains(a.problem(t).Detail, "through a proxy") {
			t.Errorf("%s: %d %s", header, a.code, a.body)
		}
	}
	if a := two(t, `enqueue: ["*"]`).as("greedy").post(`{"kind":"k"}`, "X-Forwarded-For: 192.0.2.1"); a.code != http.StatusCreated {
		t.Errorf("with a token: %d %s", a.code, a.body)
	}
}

func TestACertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	certFile, keyFile, _ := certificate(t)
	log, logged := newLog()
	d := setup(t, func(c *httpapi.Config) { c.CertFile, c.KeyFile, c.Logger = certFile, keyFile, log })
	shown := func() string {
		conn, err := tls.Dial("tcp", d.addr, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return string(conn.ConnectionState().PeerCertificates[0].Raw)
	}
	first := shown()
	otherCert, otherKey, _ := certificate(t)
	if err := os.Rename(otherCert, certFile); err != nil { // which does not fit the key
		t.Fatal(err)
	}
	d.eventually("that it does not fit is logged", func() bool { return strings.Contains(logged(), "certificate is broken") })
	if shown() != first {
		t.Error("a broken pair counts")
	}
	if err := os.Rename(otherKey, keyFile); err != nil {
		t.Fatal(err)
	}
	d.eventually("the new one is shown", func() bool { return shown() != first })
}
