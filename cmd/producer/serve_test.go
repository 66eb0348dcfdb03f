//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/drayhorse/drayhorse/internal/cli/clitest"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

var batchLines = flag.Int("batch.lines", 50_000, "lines of the batch whose memory is measured")

// address waits until a program says where it serves.
func address(t *testing.T, prog *clitest.Program, what string) (addr string) {
	t.Helper()
	redistest.Eventually(t, clitest.Within, what, func() bool {
		for line := range strings.Lines(prog.Stderr()) {
			var record struct{ Msg, Addr string }
			if json.Unmarshal([]byte(line), &record) == nil && record.Msg == what {
				addr = record.Addr
			}
		}
		return addr != ""
	})
	return addr
}

// peak gives the most memory that a process has had, in bytes.
func peak(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	n, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestALargeBatchTakesLittleMemory(t *testing.T) {
	defer http.DefaultClient.CloseIdleConnections()
	prog := clitest.Start(t, clitest.Build(t, "."), "serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0",
		"--redis", redistest.Shared(t), "--namespace", redistest.Namespace(t))
	base := "http://" + address(t, prog, "serving jobs")
	monitor := "http://" + address(t, prog, "serving metrics")
	redistest.Eventually(t, clitest.Within, "it is ready", func() bool { code, _ := get(t, monitor+"/readyz"); return code == 200 })

	body, sent := io.Pipe()
	go func() {
		w := bufio.NewWriter(sent)
		for i := range *batchLines {
			_, _ = fmt.Fprintf(w, "{\"kind\":\"k\",\"args\":{\"user_id\":%d,\"template\":\"welcome\"},\"queue\":\"q\"}\n", i)
		}
		_ = sent.CloseWithError(w.Flush())
	}()
	resp, err := http.Post(base+"/v1/jobs/batch", "application/x-ndjson", body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	n := 0
	for results := bufio.NewScanner(resp.Body); results.Scan(); n++ {
		if !strings.Contains(results.Text(), `"status":201`) {
			t.Fatalf("%s", results.Text())
		}
	}
	most := peak(t, prog.PID())
	t.Logf("%d lines in one request: at most %.1f MB", n, float64(most)/1e6)
	if n != *batchLines || most > 100e6 {
		t.Errorf("%d results, %d bytes; want %d and less than 100 MB", n, most, *batchLines)
	}
	if _, text := get(t, monitor+"/metrics"); !strings.Contains(text, `drayhorse_http_requests_total{code="200",route="POST /v1/jobs/batch"} 1`) {
		t.Error("the batch is not counted")
	}
	prog.Signal(syscall.SIGTERM)
	if code := prog.Wait(); code != 0 {
		t.Errorf("exit %d: %s", code, prog.Stderr())
	}
}
