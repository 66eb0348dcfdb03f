//go:build unix

package examples_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/cli/clitest"
	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/producer"
)

// TestServicesStopWithoutCuttingRequests: under load, with a request of which only half
// has come, SIGTERM. Whoever was connected gets an answer, and what was answered is
// stored.
func TestServicesStopWithoutCuttingRequests(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := clitest.BuildInto(dir, "./service", "./app"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"service", "app"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := redistest.Start(t).URL
			cmd := exec.Command(filepath.Join(dir, name), "-redis", redis, "-listen", "127.0.0.1:0")
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			cmd.Stderr = t.Output()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			out := bufio.NewReader(stdout)
			addr := strings.TrimPrefix(line(t, out), "listening on ")
			go func() { _, _ = io.Copy(io.Discard, out) }()
			slow := half(t, addr)
			load := loadOn(t, addr)
			redistest.Eventually(t, 30*time.Second, "requests are answered", func() bool { return load.answered.Load() > 50 })
			_ = cmd.Process.Signal(syscall.SIGTERM)
			redistest.Eventually(t, 30*time.Second, "it takes no more connections", func() bool { return load.refused.Load() > 0 })
			slow.finish(t)
			load.ended.Wait()
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
			load.areStored(t, redis)
		})
	}
}

// halfRequest is a request of which half was sent.
type halfRequest struct{ conn net.Conn }

const form = "user=1000000"

func half(t *testing.T, addr string) *halfRequest {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "POST /signup HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(form), form[:5])
	if err != nil {
		t.Fatal(err)
	}
	return &halfRequest{conn}
}

func (h *halfRequest) finish(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(h.conn, form[5:]); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(h.conn), nil)
	if err != nil {
		t.Fatalf("the request under way was cut: %v", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the request under way: %s", resp.Status)
	}
}

// load is clients that sign users up until the service takes no more connections.
type load struct {
	answered, refused atomic.Int64
	ended             sync.WaitGroup

	mu  sync.Mutex
	ids []string
}

func loadOn(t *testing.T, addr string) *load {
	t.Helper()
	l := &load{}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for i := range 4 {
		l.ended.Go(func() {
			for n := 0; ; n++ {
				user := fmt.Sprint(i*100_000 + n)
				resp, err := client.PostForm("http://"+addr+"/signup", url.Values{"user": {user}})
				if errors.Is(err, syscall.ECONNREFUSED) {
					l.refused.Add(1)
					return
				}
				if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) {
					l.refused.Add(1) // by the system, in the line of connections that the service had not taken yet
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				_ = resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					t.Errorf("user %s: %s", user, resp.Status)
					return
				}
				l.mu.Lock()
				l.ids = append(l.ids, "welcome-"+user)
				l.mu.Unlock()
				l.answered.Add(1)
			}
		})
	}
	return l
}

// areStored wants every job that was answered to be known.
func (l *load) areStored(t *testing.T, redis string) {
	t.Helper()
	p, err := producer.New(producer.Config{RedisURL: redis})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, id := range l.ids {
		if _, err := p.Get(t.Context(), id); err != nil {
			t.Errorf("%s was answered: %v", id, err)
		}
	}
}
