package cli_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/promtest"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// TestMetricsOfTheDaemons holds what the daemons tell, docs/metrics.md and what has
// happened together: as they serve it, and as Prometheus sees it.
func TestMetricsOfTheDaemons(t *testing.T) {
	t.Parallel()
	f := startFleet(t)
	f.load()
	t.Run("documented", f.documented)
	t.Run("in Prometheus", f.inPrometheus)
}

// documented compares names in both directions.
func (f *fleet) documented(t *testing.T) {
	inDocs := documentedBy(t)
	for daemon, addr := range f.addrs {
		told := map[string]bool{}
		_, body := get(t, "http://"+addr+"/metrics")
		for _, m := range regexp.MustCompile(`(?m)^# TYPE (drayhorse_\w+)`).FindAllStringSubmatch(body, -1) {
			if told[m[1]] = true; !inDocs[daemon][m[1]] && !strings.HasPrefix(m[1], "drayhorse_http_") {
				t.Errorf("%s tells %s, of which docs/metrics.md does not say so", daemon, m[1])
			}
		}
		for name := range inDocs[daemon] {
			if !told[name] {
				t.Errorf("docs/metrics.md says that a %s tells %s", daemon, name)
			}
		}
		for _, path := range []string{"/healthz", "/readyz"} {
			if code, body := get(t, "http://"+addr+path); code != http.StatusOK || body != "ok\n" {
				t.Errorf("%s of a %s: %d %s", path, daemon, code, body)
			}
		}
	}
}

// documentedBy reads the names in docs/metrics.md, by the daemons that tell them.
func documentedBy(t *testing.T) map[string]map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]map[string]bool{"worker": {}, "scheduler": {}, "producer": {}}
	for _, row := range regexp.MustCompile("(?m)^\\| `(drayhorse_\\w+)` \\|[^|]*\\|[^|]*\\|([^|]*)\\|").FindAllStringSubmatch(string(text), -1) {
		for daemon := range strings.SplitSeq(row[2], ",") {
			if of := names[strings.TrimSpace(daemon)]; of != nil { // else it is a library that tells it
				of[row[1]] = true
			}
		}
	}
	return names
}

// inPrometheus asks a real Prometheus for every metric, and for the values that are
// known from elsewhere.
func (f *fleet) inPrometheus(t *testing.T) {
	config := "global: {scrape_interval: 1s}\nscrape_configs:\n"
	for daemon, addr := range f.addrs {
		config += fmt.Sprintf("  - {job_name: %s, static_configs: [{targets: [%q]}]}\n", daemon, addr)
	}
	ask := promtest.Start(t, promtest.Write(t, config)).Value
	for query, want := range map[string]float64{
		`sum(drayhorse_jobs_enqueued_total{queue="default"})`:                                 180,
		`sum(drayhorse_jobs_enqueued_total)`:                                                  206,
		`sum(drayhorse_jobs_finished_total{queue="default",outcome="completed",kind="fine"})`: 150,
		`sum(drayhorse_jobs_finished_total{queue="default",outcome="discarded",kind="bad"})`:  30,
		`sum(drayhorse_jobs_finished_total{queue="mail",outcome="completed"})`:                ticks,
		`sum(drayhorse_jobs_finished_total)`:                                                  180 + ticks,
		`sum(drayhorse_job_run_seconds_count)`:                                                180 + ticks,
		`sum(drayhorse_job_wait_seconds_count)`:                                               180 + ticks,
		`sum(drayhorse_scheduler_fired_total)`:                                                ticks,
		`sum(drayhorse_scheduler_late_seconds_count)`:                                         ticks,
		`sum(drayhorse_scheduler_leader)`:                                                     1,
		`max by (queue) (drayhorse_queue_jobs{queue="default",state="discarded"})`:            30,
		`count(drayhorse_queue_jobs{queue="default",state="discarded"} == 30)`:                2, // the worker and the leader agree
		`max by (queue) (drayhorse_queue_jobs{queue="idle",state="available"})`:               17,
		`max by (queue) (drayhorse_queue_jobs{queue="mail",state="scheduled"})`:               9,
		`max by (queue) (drayhorse_queue_oldest_seconds{queue="mail"})`:                       0,
		`max(drayhorse_queue_oldest_seconds{queue="idle"}) > bool 1`:                          1,
		`sum(drayhorse_worker_concurrency)`:                                                   4,
		`sum(drayhorse_worker_running)`:                                                       0,
		`sum(drayhorse_redis_up)`:                                                             3,
		`sum(drayhorse_http_requests_total)`:                                                  5,
		`sum(drayhorse_http_requests_total{code="503"})`:                                      0,
		`sum(drayhorse_http_request_seconds_count)`:                                           5,
		`sum(drayhorse_http_batch_lines_total)`:                                               206,
		`sum(drayhorse_http_batch_lines_total{code="201"})`:                                   206,
		`max(drayhorse_flows_ended_total{state="completed"})`:                                 1,
		`max(drayhorse_flows_living)`:                                                         0,
		`count(drayhorse_build_info)`:                                                         3,
		`sum(drayhorse_redis_errors_total{class!~"timed_out|starved"})`:                       0, // old servers refuse a part of the handshake; slow machines are late
	} {
		redistest.Eventually(t, 30*time.Second, fmt.Sprintf("%s = %v", query, want), func() bool { return ask(query) == want })
	}
	for daemon, names := range documentedBy(t) {
		for _, name := range slices.Sorted(maps.Keys(names)) {
			query := fmt.Sprintf(`count({__name__=~"%s(_count)?", job="%s"})`, name, daemon)
			redistest.Eventually(t, 30*time.Second, query, func() bool { return ask(query) > 0 })
		}
	}
}
