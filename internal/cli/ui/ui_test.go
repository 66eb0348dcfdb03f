package ui_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/access"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/cli/ui"
	"github.com/drayhorse/drayhorse/internal/logtest"
	"github.com/drayhorse/drayhorse/internal/password"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// call starts the verb, which ends with ctx.
func call(ctx context.Context, t *testing.T, stdout, stderr io.Writer, args ...string) int {
	t.Helper()
	env := map[string]string{"DRAYHORSE_REDIS_URL": redistest.Shared(t), "DRAYHORSE_NAMESPACE": redistest.Namespace(t)}
	p := cli.Process{
		Args: append([]string{"ui"}, args...), Stdin: strings.NewReader("correct horse battery\n"), Stdout: stdout, Stderr: stderr,
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	}
	return p.Run(ctx, cli.Group("drayhorse", "test", ui.Command()))
}

func TestServesUntilItIsStopped(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stdout, stderr := &logtest.Buffer{}, &logtest.Buffer{}
	code := make(chan int, 1)
	go func() {
		code <- call(ctx, t, stdout, stderr, "--listen", "127.0.0.1:0", "--read-only", "--host", "jobs.example.com")
	}()
	var url string
	redistest.Eventually(t, 20*time.Second, "it says where it is", func() bool {
		url = regexp.MustCompile(`http://\S+/`).FindString(stdout.String())
		return url != ""
	})
	for host, want := range map[string]int{"jobs.example.com": http.StatusOK, "JOBS.example.com:443": http.StatusOK, "127.0.0.1": http.StatusForbidden} {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != want || want == http.StatusOK && !strings.Contains(string(body), "read only") {
			t.Errorf("as %s: %d %s", host, resp.StatusCode, body)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	stop()
	if c := <-code; c != cli.ExitOK {
		t.Errorf("exit code %d: %s", c, stderr.String())
	}
}

// TestListensOnThisMachineAlone, and says why.
func TestListensOnThisMachineAlone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ flag, value, want string }{
		{"--listen", ":7080", "without user_file; want a file of users, which drayhorse ui password makes entries for, or a loopback address"},
		{"--listen", "0.0.0.0:7080", "without user_file"}, {"--listen", "[::]:7080", "without user_file"}, {"--listen", "192.0.2.1:7080", "without user_file"},
		{"--user-file", "nowhere.yaml", "no such file or directory; want a file of users"}, {"--tls-cert", "x.pem", "want both or none"},
		{"--proxy", "10.0.0.1/8", "want an address such as"}, {"--proxy", "0.0.0.0/0", "want an address"}, {"--user-header", "X-User", "without proxies"},
		{"--proxy-secret-file", "nowhere", "no such file or directory"}, {"--mask", "-", "want a part of a name"},
		{"--oidc-issuer", "https://login.example.com", `public_url ""; want the address at which browsers find the dashboard`},
		{"--oidc-client-id", "drayhorse", "without oidc_issuer"}, {"--public-url", "https://jobs.example.com", "without oidc_issuer"},
		{"--listen", "127.0.0.1", "want HOST:PORT"}, {"--listen", "127.0.0.1:x", "want HOST:PORT"},
		{"--host", "http://jobs.example.com", "want a name"}, {"--host", "*.example.com", "want a name"}, {"--host", "a:80", "want a name"}, {"--host", "", "want a name"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		stdout, stderr := &logtest.Buffer{}, &logtest.Buffer{}
		code := call(ctx, t, stdout, stderr, c.flag, c.value)
		cancel()
		if text := stderr.String(); code != cli.ExitUsage || !strings.Contains(text, c.want) || strings.Count(text, "\n") != 1 {
			t.Errorf("%s %q: exit code %d: %s", c.flag, c.value, code, text)
		}
	}
}

// TestBeyondThisMachineByLoginAndTLS: with a file of users alone passwords would cross the
// network, and without a name browsers would be refused.
func TestBeyondThisMachineByLoginAndTLS(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"without tls_cert: passwords would cross the network readable": {"--listen", ":0", "--user-file", "users.yaml"},
		"without user_file": {"--listen", ":0", "--tls-cert", "a", "--tls-key", "b"},
		"without hosts: browsers that come by another name": {"--listen", ":0", "--user-file", "users.yaml", "--insecure-plaintext"},
	} {
		stdout, stderr := &logtest.Buffer{}, &logtest.Buffer{}
		code := call(t.Context(), t, stdout, stderr, args...)
		if text := stderr.String(); code != cli.ExitUsage || !strings.Contains(text, want) || strings.Count(text, "\n") != 1 {
			t.Errorf("%v: exit code %d: %s", args, code, text)
		}
	}
}

// TestOpenIDConnectBySettings: browsers come by the public name, over https, and are led to the provider.
func TestOpenIDConnectBySettings(t *testing.T) {
	t.Parallel()
	var issuer *httptest.Server
	issuer = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"authorization_endpoint":"%[1]s/authorize","token_endpoint":"%[1]s/token","jwks_uri":"%[1]s/keys"}`, issuer.URL)
	}))
	defer issuer.Close()
	users, secret := filepath.Join(t.TempDir(), "users.yaml"), filepath.Join(t.TempDir(), "secret")
	if err := errors.Join(os.WriteFile(users, []byte("groups: [{name: ops, role: admin, scope: ['*']}]\n"), 0o600), os.WriteFile(secret, []byte("s3cret\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stdout, stderr := &logtest.Buffer{}, &logtest.Buffer{}
	code := make(chan int, 1)
	go func() {
		code <- call(ctx, t, stdout, stderr, "--listen", "127.0.0.1:0", "--user-file", users, "--public-url", "https://jobs.example.com/ops",
			"--oidc-issuer", issuer.URL, "--oidc-client-id", "drayhorse", "--oidc-client-secret-file", secret)
	}()
	var url string
	redistest.Eventually(t, 20*time.Second, "it says where it is", func() bool {
		url = regexp.MustCompile(`http://\S+/`).FindString(stdout.String())
		return url != ""
	})
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"oidc?next=jobs", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "jobs.example.com"
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	to := resp.Header.Get("Location")
	for _, part := range []string{issuer.URL + "/authorize?", "client_id=drayhorse", "redirect_uri=https%3A%2F%2Fjobs.example.com%2Fops%2Foidc-callback", "scope=openid+email+profile", "code_challenge_method=S256"} {
		if !strings.Contains(to, part) {
			t.Errorf("it leads to %q, without %s", to, part)
		}
	}
	if set := resp.Header.Get("Set-Cookie"); !strings.HasPrefix(set, "__Host-") || !strings.Contains(set, "; Secure") || strings.Contains(to+set, "s3cret") {
		t.Errorf("cookie %q", set)
	}
	http.DefaultClient.CloseIdleConnections()
	stop()
	if c := <-code; c != cli.ExitOK {
		t.Errorf("exit code %d: %s", c, stderr.String())
	}
}

// TestPasswordMakesAnEntry that a dashboard takes, and shows the password nowhere.
func TestPasswordMakesAnEntry(t *testing.T) {
	t.Parallel()
	stdout, stderr := &logtest.Buffer{}, &logtest.Buffer{}
	if code := call(t.Context(), t, stdout, stderr, "password", "ann", "--role", "operator", "--scope", "mail", "--scope", "orders/refund"); code != cli.ExitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	text := stdout.String()
	if !strings.Contains(text, "role: operator\n    scope: [\"mail\", \"orders/refund\"]\n") || strings.Contains(text+stderr.String(), "horse battery") {
		t.Errorf("the entry is %s, and %s", text, stderr)
	}
	path := filepath.Join(t.TempDir(), "users.yaml")
	if err := os.WriteFile(path, []byte("users:\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	users, err := access.OpenFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if e := users.Find("ann"); e == nil || e.Role != access.Operator || !e.Sees("orders", "refund") || e.Sees("orders", "x") {
		t.Errorf("ann is %+v", e)
	}
	for want, args := range map[string][]string{
		"no NAME is given": {"password"}, `role "boss"; want`: {"password", "ann", "--role", "boss"}, `want a name of 1-128 printable`: {"password", "a\x1bb"},
		`"a b"`: {"password", "ann", "--scope", "a b"}, `argument "bob"`: {"password", "ann", "bob"}, `--pasword`: {"password", "ann", "--pasword", "x"},
	} {
		stdout, stderr := &logtest.Buffer{}, &logtest.Buffer{}
		if code := call(t.Context(), t, stdout, stderr, args...); code != cli.ExitUsage || !strings.Contains(stderr.String(), want) || stdout.String() != "" {
			t.Errorf("%v: exit code %d: %s%s", args, code, stdout, stderr)
		}
	}
}

// TestServesHTTPS with a login, by the certificate of the files.
func TestServesHTTPS(t *testing.T) {
	t.Parallel()
	other := httptest.NewTLSServer(http.NotFoundHandler()) // whose certificate is for example.com and 127.0.0.1
	defer other.Close()
	pair, dir := other.TLS.Certificates[0], t.TempDir()
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := password.New("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stdout, stderr := &logtest.Buffer{}, &logtest.Buffer{}
	code := make(chan int, 1)
	go func() {
		code <- call(ctx, t, stdout, stderr, "--listen", "127.0.0.1:0", "--host", "127.0.0.1",
			"--tls-cert", file("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})),
			"--tls-key", file("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
			"--user-file", file("users.yaml", fmt.Appendf(nil, "users: [{name: ann, role: viewer, scope: ['*'], password: '%s'}]", hash)))
	}()
	var base string
	redistest.Eventually(t, 20*time.Second, "it says where it is", func() bool {
		base = regexp.MustCompile(`https://\S+/`).FindString(stdout.String())
		return base != ""
	})
	resp, err := other.Client().Post(base+"login", "application/x-www-form-urlencoded", strings.NewReader("name=ann&password=correct+horse+battery"))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden || resp.Header.Get("Strict-Transport-Security") == "" { // it does not say where it comes from
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	other.Client().CloseIdleConnections()
	stop()
	if c := <-code; c != cli.ExitOK {
		t.Errorf("exit code %d: %s", c, stderr)
	}
}
