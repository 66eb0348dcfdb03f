package cli_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli"
)

// addrs is a log that catches the address that is served.
type addrs struct {
	slog.Handler
	to chan string
}

func (a addrs) Enabled(context.Context, slog.Level) bool { return true }
func (a addrs) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(attr slog.Attr) bool {
		if attr.Key == "addr" {
			a.to <- attr.Value.String()
		}
		return true
	})
	return nil
}

func get(t *testing.T, url string) (code int, body string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestMonitorServesWhileTheProgramRuns(t *testing.T) {
	t.Parallel()
	served := addrs{slog.DiscardHandler, make(chan string, 1)}
	ready := errors.New("redis is away\nsince noon")
	m := cli.Monitor{
		Config: cli.Monitoring{Metrics: "127.0.0.1:0", Pprof: true}, Gatherer: cli.NewRegistry(),
		Ready: func() error { return ready }, Log: slog.New(served),
	}
	boom := errors.New("boom")
	err := m.Run(t.Context(), func(context.Context) error {
		base := "http://" + <-served.to
		for _, c := range []struct {
			path string
			code int
			want string
		}{
			{"/healthz", 200, "ok\n"},
			{"/readyz", 503, "redis is away; since noon\n"},
			{"/metrics", 200, "drayhorse_build_info"},
			{"/metrics", 200, "go_goroutines"},
			{"/debug/pprof/goroutine?debug=1", 200, "goroutine profile"},
			{"/debug/pprof/cmdline", 404, ""},
			{"/debug/pprof/profile?seconds=61", 400, `seconds "61"; want 1 to 60`},
			{"/debug/pprof/heap?seconds=1e9", 400, "want 1 to 60"},
			{"/debug/pprof/trace?seconds=nan", 400, "want 1 to 60"},
			{"/", 404, ""},
		} {
			if code, body := get(t, base+c.path); code != c.code || !strings.Contains(body, c.want) {
				t.Errorf("%s: %d %.100q; want %d %q", c.path, code, body, c.code, c.want)
			}
		}
		ready = nil
		if code, _ := get(t, base+"/readyz"); code != 200 {
			t.Errorf("/readyz: %d; want 200", code)
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("got %v; want the program's own error", err)
	}
}

func TestMonitorNamesAnAddressThatIsTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	m := cli.Monitor{Config: cli.Monitoring{Metrics: addr}, Log: slog.New(slog.DiscardHandler)}
	err = m.Run(t.Context(), func(context.Context) error { t.Error("the program runs"); return nil })
	if err == nil || !strings.Contains(err.Error(), addr) || errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("got %v; want an error at run time that names %s", err, addr)
	}
}

func TestMonitorOfThisMachineIsForItAlone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		listen, host string
		remote       bool
		metrics      int
		profile      int
	}{
		{"127.0.0.1:0", "", false, 200, 200},
		{"127.0.0.1:0", "localhost:9090", false, 200, 200},
		{"127.0.0.1:0", "[::1]:9090", false, 200, 200},
		{"127.0.0.1:0", "evil.example", false, 403, 403},
		{"127.0.0.1:0", "127.0.0.1.evil.example", true, 403, 403},
		{"0.0.0.0:0", "worker-1.example:9090", false, 200, 403},
		{"0.0.0.0:0", "worker-1.example:9090", true, 200, 200},
	} {
		served := addrs{slog.DiscardHandler, make(chan string, 1)}
		m := cli.Monitor{
			Config:   cli.Monitoring{Metrics: c.listen, Pprof: true, PprofRemote: c.remote},
			Gatherer: cli.NewRegistry(), Log: slog.New(served),
		}
		err := m.Run(t.Context(), func(ctx context.Context) error {
			_, port, err := net.SplitHostPort(<-served.to)
			if err != nil {
				return err
			}
			for path, want := range map[string]int{"/metrics": c.metrics, "/debug/pprof/symbol": c.profile} {
				request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+port+path, http.NoBody)
				if err != nil {
					return err
				}
				request.Host = c.host
				client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
				response, err := client.Do(request)
				if err != nil {
					return err
				}
				_ = response.Body.Close()
				if response.StatusCode != want {
					t.Errorf("%+v: %s: %d; want %d", c, path, response.StatusCode, want)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}
