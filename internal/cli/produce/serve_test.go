package produce

import (
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/conf"
	"github.com/drayhorse/drayhorse/internal/httpapi"
)

func TestWrongServers(t *testing.T) {
	t.Parallel()
	broken := write(t, "tokens.yaml", "tokens: []\n")
	for _, c := range []struct{ args, want string }{
		{"--listen 8080", `listen "8080"; want HOST:PORT or :PORT`},
		{"--listen :0", `listen ":0" without token_file`},
		{"--listen 192.0.2.1:0", `listen "192.0.2.1:0" without token_file`},
		{"--token-file /no/such/file", `token_file "/no/such/file"`},
		{"--token-file " + broken, "it has no tokens"},
		{"--tls-cert c.pem", "want both or none"},
		{"--tls-cert c.pem --tls-key k.pem", "tls_cert"},
		{"--max-body 0", "max_body 0; want 1 to"},
		{"--rate x", `--rate "x"; want a whole number`},
		{"--client-timeout 0s", "client_timeout 0s"},
		{"--pprof", "pprof without metrics"},
		{"--redis http://h", `"http://h"`},
		{"more", `argument "more"`},
	} {
		code, stdout, stderr := run(t.Context(), "", append([]string{"serve", "--listen", "127.0.0.1:0"}, strings.Fields(c.args)...)...)
		if code != cli.ExitUsage || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("%q: exit %d, %q, %q; want %q", c.args, code, stdout, stderr, c.want)
		}
	}
}

func TestSettingsOfAServerArePrinted(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := run(t.Context(), "", "serve", "--print-config", "--max-depth", "7")
	want := `
listen: 127.0.0.1:8080
socket_mode: "0660"
token_file: ""
tls_cert: ""
tls_key: ""
insecure_plaintext: false
max_body: 1114112
max_header: 16384
rate: 0
read_rate: 0
max_queues: 1000
max_depth: 7
max_requests: 512
max_batches: 16
max_listeners: 32
max_memory: 67108864
client_timeout: 10s
shutdown_timeout: 25s
`
	if code != 0 || !strings.HasSuffix(stdout, want) || stderr != "" {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}
}

func TestATokenIsAnEntryOfATokenFile(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := run(t.Context(), "", "token", "shop")
	token, entry, _ := strings.Cut(stdout, "\n")
	if code != 0 || stderr != "" || !strings.HasPrefix(token, "dht_") {
		t.Fatalf("exit %d, %q, %q", code, stdout, stderr)
	}
	var file struct {
		Tokens []httpapi.Token `yaml:"tokens"`
	}
	if _, err := conf.Decode("tokens.yaml", []byte("tokens:\n"+entry), conf.Limits{Bytes: 1000, Entries: 100}, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Tokens) != 1 || file.Tokens[0].Name != "shop" || file.Tokens[0].SHA256 != httpapi.HashOf(token) {
		t.Errorf("%+v", file.Tokens)
	}
	if code, _, stderr := run(t.Context(), "", "token"); code != cli.ExitUsage || !strings.Contains(stderr, "no NAME is given") {
		t.Errorf("without a name: exit %d, %q", code, stderr)
	}
}
