// Package examples_test builds the examples and runs them against a real server.
package examples_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli/clitest"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// start runs one of the built examples until the test ends, and gives its stdout.
func start(t *testing.T, program string, args ...string) *bufio.Reader {
	t.Helper()
	cmd := exec.Command(program, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", filepath.Base(program), err)
		}
	})
	return bufio.NewReader(out)
}

func line(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	text, err := r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(text)
}

func post(t *testing.T, url string, form url.Values) (int, drayhorse.Info) {
	t.Helper()
	resp, err := http.PostForm(url, form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return read(t, resp)
}

func read(t *testing.T, resp *http.Response) (int, drayhorse.Info) {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var info drayhorse.Info
	if resp.StatusCode == http.StatusOK {
		if err := json.Unmarshal(body, &info); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
	}
	return resp.StatusCode, info
}

func TestServiceAndMailer(t *testing.T) {
	dir := t.TempDir()
	if err := clitest.BuildInto(dir, "./service", "./mailer"); err != nil {
		t.Fatal(err)
	}
	redis := redistest.Start(t).URL
	service := start(t, filepath.Join(dir, "service"), "-redis", redis, "-listen", "127.0.0.1:0")
	base := "http://" + strings.TrimPrefix(line(t, service), "listening on ")
	mailer := start(t, filepath.Join(dir, "mailer"), "-redis", redis)

	status, first := post(t, base+"/signup", url.Values{"user": {"42"}})
	if status != http.StatusOK || first.ID != "welcome-42" || first.Duplicate {
		t.Fatalf("signup: %d, %+v", status, first)
	}
	if got := line(t, mailer); got != "welcome, user 42 (attempt 1)" {
		t.Errorf("the mailer said %q", got)
	}
	if _, again := post(t, base+"/signup", url.Values{"user": {"42"}}); !again.Duplicate {
		t.Errorf("second signup: %+v, want a duplicate", again)
	}
	if status, _ := post(t, base+"/signup", url.Values{"user": {"x"}}); status != http.StatusBadRequest {
		t.Errorf("bad signup: %d, want 400", status)
	}

	_, good := post(t, base+"/report", url.Values{"to": {"boss@example.org"}})
	_, bad := post(t, base+"/report", url.Values{"to": {"nobody"}})
	await(t, base, good.ID, drayhorse.Completed)
	await(t, base, bad.ID, drayhorse.Discarded)
}

func await(t *testing.T, base, id string, state drayhorse.State) {
	t.Helper()
	redistest.Eventually(t, 10*time.Second, id+" is "+string(state), func() bool {
		resp, err := http.Get(base + "/jobs/" + id)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		_, info := read(t, resp)
		return info.State == state
	})
}
