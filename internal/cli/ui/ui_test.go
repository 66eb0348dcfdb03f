package ui_test

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/cli/ui"
	"github.com/drayhorse/drayhorse/internal/logtest"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// call starts the verb, which ends with ctx.
func call(ctx context.Context, t *testing.T, stdout, stderr io.Writer, args ...string) int {
	t.Helper()
	env := map[string]string{"DRAYHORSE_REDIS_URL": redistest.Shared(t), "DRAYHORSE_NAMESPACE": redistest.Namespace(t)}
	p := cli.Process{
		Args: append([]string{"ui"}, args...), Stdin: strings.NewReader(""), Stdout: stdout, Stderr: stderr,
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
		{"--listen", ":7080", "no login"}, {"--listen", "0.0.0.0:7080", "no login"}, {"--listen", "[::]:7080", "no login"}, {"--listen", "example.com:7080", "no login"},
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
