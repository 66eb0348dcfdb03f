package httpapi_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drayhorse/drayhorse/internal/httpapi"
)

func TestAStopLetsRequestsFinish(t *testing.T) {
	t.Parallel()
	g := &gate{came: make(chan struct{}), open: make(chan struct{})}
	d := setup(t, func(c *httpapi.Config) { g.Jobs, c.Jobs = c.Jobs, g })
	answers := make(chan answer)
	go func() { answers <- d.post(`{"kind":"k","queue":"q"}`) }()
	<-g.came
	stopped := make(chan struct{})
	go func() { d.stop(); close(stopped) }()
	d.eventually("nobody else is let in", func() bool {
		conn, err := net.Dial("tcp", d.addr)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	close(g.open)
	if a := <-answers; a.code != http.StatusCreated {
		t.Errorf("%d %s", a.code, a.body)
	}
	<-stopped
	if n := d.jobsIn("q"); n != 1 {
		t.Errorf("%d jobs; want 1", n)
	}
}

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	d := setup(t, func(c *httpapi.Config) { c.Registerer = registry })
	d.post(`{"kind":"k"}`)
	d.post(`{"kind":"k"}`)
	d.post(`{}`)
	d.batch("{\"kind\":\"k\"}\nbad\n")
	d.do(http.MethodGet, "/v1/jobs/a", "")
	d.do(http.MethodDelete, "/v1/jobs/a", "")
	d.do(http.MethodGet, "/a/path/of/somebody", "")
	d.do("BREW", "/v1/jobs", "")
	d.stop()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "drayhorse_http_") { // of all programs
			continue
		}
		if !strings.Contains(string(page), "\n| `"+f.GetName()+"` |") {
			t.Errorf("%s is not in docs/http.md", f.GetName())
		}
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			n := m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			got = append(got, fmt.Sprint(strings.TrimPrefix(f.GetName(), "drayhorse_http_"), labels, n))
		}
	}
	want := []string{
		"batch_lines_total[201] 1", "batch_lines_total[422] 1",
		"request_seconds[/] 1", "request_seconds[/v1/jobs] 1", "request_seconds[DELETE /v1/jobs/{id}] 1",
		"request_seconds[GET /v1/jobs/{id}] 1", "request_seconds[POST /v1/jobs] 3", "request_seconds[POST /v1/jobs/batch] 1",
		"requests_total[200 POST /v1/jobs/batch] 1", "requests_total[201 POST /v1/jobs] 2", "requests_total[404 /] 1",
		"requests_total[404 DELETE /v1/jobs/{id}] 1", "requests_total[404 GET /v1/jobs/{id}] 1", "requests_total[405 /v1/jobs] 1",
		"requests_total[422 POST /v1/jobs] 1",
		"actions_total[cancel not-found anybody] 1", "actions_total[enqueue invalid anybody] 2", "actions_total[enqueue stored anybody] 3",
		"actions_total[read not-found anybody] 1",
		"batch_lines_total[200] 0", "batch_lines_total[503] 0", // there from the start
	}
	want = append(want, "request_seconds[DELETE /v1/queues/{name}] 0", "request_seconds[GET /v1/jobs/{id}/logs] 0", "request_seconds[GET /v1/jobs/{id}/streams/{name}] 0")
	for _, route := range []string{"POST /v1/jobs", "POST /v1/jobs/batch", "GET /v1/jobs/{id}", "GET /v1/jobs/{id}/logs", "GET /v1/jobs/{id}/streams/{name}", "DELETE /v1/jobs/{id}", "DELETE /v1/queues/{name}"} {
		want = append(want, "requests_total[500 "+route+"] 0", "requests_total[503 "+route+"] 0")
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %q; want %q", got, want)
	}
}

// certificate makes a certificate of 127.0.0.1 that signs itself.
func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	certFile, keyFile = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	write(t, certFile, string(cert))
	write(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})))
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return certFile, keyFile, pool
}

func TestHTTPS(t *testing.T) {
	t.Parallel()
	certFile, keyFile, pool := certificate(t)
	d := setup(t, func(c *httpapi.Config) { c.CertFile, c.KeyFile = certFile, keyFile })
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	for path, kind := range map[string]string{"/v1/jobs": "application/json", "/v1/jobs/batch": "application/x-ndjson"} {
		r := d.request(http.MethodPost, path, `{"kind":"k"}`, "Content-Type: "+kind)
		r.URL.Scheme = "https"
		resp, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if a := read(t, resp); resp.ProtoMajor != 2 || a.code >= 300 || !strings.Contains(a.body, `"queue":"default"`) {
			t.Errorf("%s over %s: %d %s", path, resp.Proto, a.code, a.body)
		}
	}
}

func TestTheDocumentIsServed(t *testing.T) {
	t.Parallel()
	d := setup(t)
	if a := d.do(http.MethodGet, "/openapi.yaml", ""); a.code != http.StatusOK || !bytes.HasPrefix([]byte(a.body), []byte("openapi: 3.1.0\n")) {
		t.Errorf("%d %.100s", a.code, a.body)
	}
}
