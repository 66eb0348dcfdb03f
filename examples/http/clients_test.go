// Package http_test runs the clients of this folder against producer serve.
package http_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli/clitest"
	"github.com/drayhorse/drayhorse/internal/httpapi"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

func TestClients(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := clitest.Build(t, "../../cmd/producer")
	token := httpapi.NewToken()
	file := filepath.Join(dir, "tokens.yaml")
	entry := "tokens: [{name: client, sha256: \"" + httpapi.HashOf(token).String() + "\", enqueue: [default], read: [default], cancel: [default]}]\n"
	if err := os.WriteFile(file, []byte(entry), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, client := range []struct{ runtime, script string }{{"curl", "curl.sh"}, {"python3", "client.py"}, {"node", "client.mjs"}} {
		t.Run(client.runtime, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(client.runtime); err != nil {
				t.Fatalf("%v; test/install.sh %s installs it", err, client.runtime)
			}
			url, namespace := redistest.Shared(t), redistest.Namespace(t)
			server := clitest.Start(t, program, "serve", "--listen", "127.0.0.1:0", "--token-file", file, "--redis", url, "--namespace", namespace)
			out, err := exec.CommandContext(t.Context(), "./"+client.script, "http://"+address(t, server), token).CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v\n%s", client.script, err, out)
			}
			for _, want := range []string{
				"201", `"state":"scheduled"`, "200", `"duplicate":true`, `"line":2,"status":422`, `"field":"knd"`, "202", `"state":"cancelled"`,
			} {
				if !strings.Contains(string(out), want) {
					t.Errorf("no %s in\n%s", want, out)
				}
			}
			if n := scheduled(t, url, namespace); n != 1 {
				t.Errorf("%d jobs are left; want the one of the batch", n)
			}
		})
	}
}

// address waits until a server says where it is.
func address(t *testing.T, server *clitest.Program) (addr string) {
	t.Helper()
	redistest.Eventually(t, clitest.Within, "it serves", func() bool {
		for line := range strings.Lines(server.Stderr()) {
			var record struct{ Msg, Addr string }
			if json.Unmarshal([]byte(line), &record) == nil && record.Msg == "serving jobs" {
				addr = record.Addr
			}
		}
		return addr != ""
	})
	return addr
}

// scheduled gives how many jobs wait for their time.
func scheduled(t *testing.T, url, namespace string) int {
	t.Helper()
	a, err := admin.New(admin.Config{RedisURL: url, Namespace: namespace})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	q, err := a.Queue(t.Context(), "default")
	if err != nil {
		t.Fatal(err)
	}
	return q.Scheduled
}
