package daemons

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli/clitest"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// yard is a set of daemons at one Redis, with files to digest.
type yard struct {
	*testing.T
	url   func(program string) string // for each program, as the user that it logs in as
	dir   string
	admin *admin.Admin
	want  map[string]string // SHA-256 by job ID
	paths map[string]string
	ids   []string
}

const config = `
concurrency: 4
handlers:
  digest: {exec: {command: [sha256sum, --zero, "{{path}}"]}}
  refuse: {exec: {command: ["false"]}}
  linger: {exec: {command: [sh, -c, 'while [ ! -e "$1" ] && kill -0 $PPID; do sleep 0.05; done', sh, "{{path}}"]}}
schedules:
  - {id: every-second, every: 1s, kind: digest, args: {path: %q}, retain: 1h, queue: ticks}
`

// newYard writes files of random content. The seed is said, and settles it.
func newYard(t *testing.T, url func(program string) string) *yard {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d, %d files", seed, files)
	y := &yard{T: t, url: url, dir: t.TempDir(), want: map[string]string{}, paths: map[string]string{}}
	random := rand.New(rand.NewPCG(seed, 0))
	for i := range files {
		content := make([]byte, random.IntN(10_000))
		for j := range content {
			content[j] = byte(random.Uint32())
		}
		id := fmt.Sprintf("file-%04d", i)
		sum := sha256.Sum256(content)
		y.ids, y.want[id] = append(y.ids, id), hex.EncodeToString(sum[:])
		y.paths[id] = write(t, y.dir, id, string(content))
	}
	a, err := admin.New(admin.Config{RedisURL: url("drayhorse")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	y.admin = a
	return y
}

// start starts a daemon with its part of the config.
func (y *yard) start(name string) *clitest.Program {
	y.Helper()
	text := fmt.Sprintf(config, y.paths[y.ids[0]])
	daemon, schedules, _ := strings.Cut(text, "schedules:")
	if name == "scheduler" {
		daemon = "lease_ttl: 2s\nschedules:" + schedules
	} else {
		daemon = "queues: {default: 2, ticks: 1}" + daemon
	}
	file := write(y, y.dir, name+".yaml", daemon)
	return start(y, name, "--config", file, "--redis", y.url(name))
}

// enqueue imports the jobs of some files until all are stored, over the loss of a
// node too: their IDs keep them from coming twice.
func (y *yard) enqueue(ids []string) {
	y.Helper()
	var lines strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&lines, `{"kind":"digest","args":{"path":%q},"id":%q,"retain":"1h"}`+"\n", y.paths[id], id)
	}
	file := write(y, y.dir, "jobs.ndjson", lines.String())
	code, _, stderr := output(y, "producer", "import", file, "--redis", y.url("producer"))
	if want := fmt.Sprintf("imported %d, rejected 0\n", len(ids)); code != 0 || !strings.HasSuffix(stderr, want) {
		y.Fatalf("import: exit %d, %s", code, stderr)
	}
}

// completed is how many jobs of a queue have completed; -1 if Redis does not say.
func (y *yard) completed(queue string) int {
	q, err := y.admin.Queue(y.Context(), queue)
	if err != nil {
		return -1
	}
	return q.Completed
}

// await waits until so many jobs of a queue have completed.
func (y *yard) await(queue string, n int) {
	y.Helper()
	redistest.Eventually(y, soon, fmt.Sprintf("%d jobs of %s have completed (%d have)", n, queue, y.completed(queue)), func() bool {
		return y.completed(queue) >= n
	})
}

// verify wants each file's digest recorded, once, and nothing else.
func (y *yard) verify() {
	y.Helper()
	found := map[string]bool{}
	for filter := (admin.Filter{Queue: drayhorse.DefaultQueue, Limit: admin.MaxLimit}); ; {
		page, err := y.admin.Jobs(y.Context(), filter)
		if err != nil {
			y.Fatal(err)
		}
		for _, j := range page.Jobs {
			var line string
			_ = json.Unmarshal(j.Result, &line) // "" fits no digest
			if got, _, _ := strings.Cut(line, " "); j.State != drayhorse.Completed || got != y.want[j.ID] || found[j.ID] {
				y.Errorf("job %s is %s with %s, errors %v", j.ID, j.State, j.Result, j.Errors)
			}
			found[j.ID] = true
		}
		if filter.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	if len(found) != len(y.ids) {
		y.Errorf("%d jobs are recorded; want %d", len(found), len(y.ids))
	}
}

// stop ends daemons as an operator does.
func (y *yard) stop(programs ...*clitest.Program) {
	y.Helper()
	for _, p := range programs {
		p.Signal(syscall.SIGTERM)
	}
	for _, p := range programs {
		if code := p.Wait(); code != 0 {
			y.Errorf("exit %d:\n%s", code, p.Stderr())
		}
	}
}

// digestAll is the main job: files are digested by two workers, while a scheduler
// adds its own. After a part of them, lose breaks something; nil: nothing.
func (y *yard) digestAll(lose func()) {
	y.Helper()
	began := time.Now()
	part := len(y.ids) / 3
	y.enqueue(y.ids[:part])
	daemons := []*clitest.Program{y.start("scheduler"), y.start("worker"), y.start("worker")}
	y.await(drayhorse.DefaultQueue, part/3)
	if lose != nil {
		lose()
		lost := time.Now()
		y.enqueue(y.ids[part:])
		y.await(drayhorse.DefaultQueue, part+1) // one of the new ones
		gap := time.Since(lost)
		y.Logf("after the loss of a node, a new job had completed within %v", gap.Round(100*time.Millisecond))
		if gap > maxGap {
			y.Errorf("the gap was %v; want at most %v", gap, maxGap)
		}
	} else {
		y.enqueue(y.ids[part:])
	}
	y.await(drayhorse.DefaultQueue, len(y.ids))
	y.await("ticks", 1)
	y.verify()
	workers, err := y.admin.Workers(y.Context())
	if err != nil || len(workers) != 2 {
		y.Errorf("%d workers are listed, %v; want 2", len(workers), err)
	}
	y.stop(daemons...)
	y.Logf("%d digests verified, %d ticks, in %v", len(y.ids), y.completed("ticks"), time.Since(began).Round(100*time.Millisecond))
}

// maxGap is how long nothing may go on after a node was lost: 15 s, and more where the
// machine is busy.
const maxGap = redistest.Stretch * 15 * time.Second

// always gives all programs the same URL.
func always(url string) func(string) string { return func(string) string { return url } }
