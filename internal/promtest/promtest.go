// Package promtest starts a real Prometheus for tests, and asks it what it has seen.
package promtest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/drayhorse/drayhorse/internal/cli/clitest"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// Prometheus is one that runs until its test ends.
type Prometheus struct {
	tb      testing.TB
	program *clitest.Program
	url     string
	client  http.Client
}

// Start starts one with a configuration, in whose directory files that it names are
// looked for.
func Start(tb testing.TB, config string) *Prometheus {
	tb.Helper()
	path, err := exec.LookPath("prometheus")
	if err != nil {
		tb.Fatalf("%v; test/install.sh prometheus installs it", err)
	}
	addr := redistest.FreeAddr(tb)
	cmd := exec.CommandContext(tb.Context(), path, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(tb.TempDir(), "data"), //nolint:gosec // a test chooses them
		"--web.listen-address="+addr, "--log.level=warn")
	return &Prometheus{tb: tb, program: clitest.Run(tb, cmd), url: "http://" + addr + "/api/v1/", client: http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
}

// Write writes a configuration into a directory of its own, and gives its path.
func Write(tb testing.TB, config string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "prometheus.yml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// get asks for a path of the API; false: there is no answer, since it starts. One that has
// ended fails the test.
func (p *Prometheus) get(path string, data any) bool {
	p.tb.Helper()
	if p.program.Ended() {
		p.tb.Fatal("prometheus has ended")
	}
	response, err := p.client.Get(p.url + path) //nolint:noctx // it is killed with its test
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return json.NewDecoder(response.Body).Decode(&struct{ Data any }{data}) == nil
}

// Value is that of a query which has one; -1: it has none, or several.
func (p *Prometheus) Value(query string) float64 {
	var data struct{ Result []struct{ Value [2]any } }
	if !p.get("query?query="+url.QueryEscape(query), &data) || len(data.Result) != 1 {
		return -1
	}
	text, _ := data.Result[0].Value[1].(string)
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return -1
	}
	return value
}

// Firing are the names of the alerts that fire, each once.
func (p *Prometheus) Firing() map[string]bool {
	var data struct {
		Alerts []struct {
			State  string
			Labels map[string]string
		}
	}
	firing := map[string]bool{}
	if p.get("alerts", &data) {
		for _, a := range data.Alerts {
			if a.State == "firing" {
				firing[a.Labels["alertname"]] = true
			}
		}
	}
	return firing
}
