package deploy_test

import (
	"flag"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/cli/clitest"
	"github.com/drayhorse/drayhorse/internal/promtest"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

var ownTimes = flag.Bool("alerts.own-times", false, "TestAWorkerDiesAndAnAlertFires keeps the times of rules.yml; it takes 15 minutes")

// hasty makes minutes of rules seconds, and so on: what takes minutes on a host is seen
// here.
func hasty(rules string) string {
	rules = regexp.MustCompile(`\b1d\b`).ReplaceAllString(rules, "24h")
	rules = regexp.MustCompile(`\b(\d+)m\b`).ReplaceAllString(rules, "${1}s")
	rules = regexp.MustCompile(`\b(\d+)h\b`).ReplaceAllString(rules, "${1}m")
	return strings.NewReplacer("oldest_seconds) > 300", "oldest_seconds) > 5", "oldest_seconds) > 60", "oldest_seconds) > 1").Replace(rules)
}

// TestAWorkerDiesAndAnAlertFires: with the real programs, Prometheus and rules. The
// queue of a worker that was killed ages, alerts say so, and clear when another worker
// has done its jobs.
func TestAWorkerDiesAndAnAlertFires(t *testing.T) {
	t.Parallel()
	text, pace, patience := hasty(read(t, "prometheus/rules.yml")), "500ms", time.Minute
	if *ownTimes {
		text, pace, patience = read(t, "prometheus/rules.yml"), "15s", 15*time.Minute
	}
	url := redistest.Start(t).URL
	workerAddr := redistest.FreeAddr(t)
	command := func(name string, args ...string) *exec.Cmd {
		return exec.CommandContext(t.Context(), filepath.Join(build(t), name), append(args, "--redis", url)...)
	}
	said := func(name string, args ...string) string {
		cmd := command(name, args...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
		}
		return string(out)
	}
	work := func() (*clitest.Program, string) {
		return start(t, command("worker", "--config", "systemd/worker-default.yaml", "--metrics", workerAddr))
	}
	worker, _ := work()
	schedulerAddr := redistest.FreeAddr(t)
	start(t, command("scheduler", "--config", "systemd/scheduler.yaml", "--metrics", schedulerAddr))
	config := promtest.Write(t, fmt.Sprintf(`
global: {scrape_interval: %[1]s, scrape_timeout: %[1]s, evaluation_interval: %[1]s}
rule_files: [%q]
scrape_configs:
  - {job_name: drayhorse-worker, static_configs: [{targets: [%q]}]}
  - {job_name: drayhorse-scheduler, static_configs: [{targets: [%q]}]}
`, pace, write(t, "rules.yml", text), workerAddr, schedulerAddr))
	prometheus := promtest.Start(t, config)
	enqueue := func(jobs int) {
		said("producer", "import", write(t, "jobs", strings.Repeat(`{"kind":"digest","args":{"path":"/etc/hostname"}}`+"\n", jobs)))
	}
	done := func() float64 { // by the worker that did most
		return prometheus.Value(`sum(max_over_time(drayhorse_jobs_finished_total{outcome="completed"}[1h]))`)
	}
	fires := []string{"DrayhorseQueueAges", "DrayhorseQueueStands", "DrayhorseNoWorkers"}
	firing := func() []string {
		return slices.DeleteFunc(slices.Sorted(maps.Keys(prometheus.Firing())), func(name string) bool { return !slices.Contains(fires, name) })
	}
	defer func() {
		if t.Failed() {
			t.Logf("%v jobs are done, %q fire\n%s", done(), firing(), said("drayhorse", "queues", "list"))
		}
	}()
	enqueue(20)
	redistest.Eventually(t, patience, "20 jobs are done", func() bool { return done() >= 20 })
	redistest.Eventually(t, patience, "none of them fires while nothing is wrong", func() bool { return len(firing()) == 0 })
	worker.Kill()
	killed := time.Now()
	enqueue(30)
	redistest.Eventually(t, patience, "the alerts fire", func() bool { return len(firing()) == len(fires) })
	t.Logf("%q fire %v after the worker was killed", firing(), time.Since(killed).Round(time.Second))
	work()
	again := time.Now()
	redistest.Eventually(t, patience, "its jobs are done", func() bool { return done() >= 30 })
	redistest.Eventually(t, patience, "the alerts clear", func() bool { return len(firing()) == 0 })
	t.Logf("they are clear %v after a worker came", time.Since(again).Round(time.Second))
}
