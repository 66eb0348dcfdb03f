package daemons

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli/clitest"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

var lines = flag.Int("lines", 50_000, "how many lines are imported")

// maxImport is how much memory an import may have had at its peak.
const maxImport = 100 << 20

// watch waits for the end of a program and gives its exit code and the most memory
// that it was seen with.
func watch(p *clitest.Program) (code, most int) {
	ended := make(chan int, 1)
	go func() { ended <- p.Wait() }()
	for {
		select {
		case code := <-ended:
			return code, most
		case <-time.After(20 * time.Millisecond):
			most = max(most, memory(p.PID()))
		}
	}
}

// badEvery makes one line in so many no job.
const badEvery = 100

// writeLines writes a file to import, and gives it with its bad lines.
func writeLines(t *testing.T, n int, form string) (file, bad string) {
	t.Helper()
	var good, rejects strings.Builder
	for i := range n {
		line := fmt.Sprintf(form+"\n", i)
		if i%badEvery == badEvery-1 {
			line = fmt.Sprintf(`{"kind":"k","id":"no id %d"}`+"\n", i)
			rejects.WriteString(line)
		}
		good.WriteString(line)
	}
	return write(t, t.TempDir(), "jobs.ndjson", good.String()), rejects.String()
}

// enqueued gives how many jobs were ever stored in the default queue; 0 if Redis does
// not say.
func enqueued(t *testing.T, url string) func() int64 {
	t.Helper()
	a, err := admin.New(admin.Config{RedisURL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return func() int64 {
		q, err := a.Queue(t.Context(), drayhorse.DefaultQueue)
		if err != nil {
			return 0
		}
		return q.Totals["enqueued"]
	}
}

// TestAnImportThatIsKilledAndRunAgainStoresNothingTwice has lines with IDs.
func TestAnImportThatIsKilledAndRunAgainStoresNothingTwice(t *testing.T) {
	t.Parallel()
	n := *lines
	server := redistest.Start(t)
	stored := enqueued(t, server.URL)
	file, bad := writeLines(t, n, `{"kind":"k","args":{"n":%[1]d},"id":"line-%[1]d"}`)
	rejects := filepath.Join(t.TempDir(), "rejects.ndjson")
	args := []string{"import", file, "--rejects", rejects, "--redis", server.URL}

	killed := start(t, "producer", args...)
	redistest.Eventually(t, soon, "a part is stored", func() bool { return stored() > int64(n/10) })
	killed.Signal(syscall.SIGKILL)
	killed.Wait()
	before := stored()
	if before >= int64(n-n/badEvery) {
		t.Fatalf("all %d were stored before it could be killed", before)
	}
	began := time.Now()
	again := start(t, "producer", args...)
	code, most := watch(again)
	took, said := time.Since(began), again.Stderr()
	tail := fmt.Sprintf("imported %d, rejected %d\n", n-n/badEvery, n/badEvery)
	if code != 1 || !strings.HasSuffix(said, tail) {
		t.Fatalf("import: exit %d, %.2000s; want %s", code, said, tail)
	}
	t.Logf("killed at %d of %d lines; the second run took %v (%.0f lines/s) and %d MB",
		before, n, took.Round(time.Millisecond), float64(n)/took.Seconds(), most>>20)
	if most > maxImport {
		t.Errorf("it had %d bytes; want at most %d", most, maxImport)
	}
	if got := stored(); got != int64(n-n/badEvery) {
		t.Errorf("%d jobs are stored; want %d", got, n-n/badEvery)
	}
	if text, err := os.ReadFile(rejects); err != nil || string(text) != bad {
		t.Errorf("%v; the rejects are %d bytes; want the %d of the bad lines", err, len(text), len(bad))
	}
}

// TestAnImportRidesOutAnOutage has lines without IDs, which nothing but the
// producer's own repeats may send again.
func TestAnImportRidesOutAnOutage(t *testing.T) {
	t.Parallel()
	const n, outage = 40_000, 8 * time.Second // longer than an enqueue waits elsewhere
	server := redistest.Start(t)
	stored := enqueued(t, server.URL)
	file, _ := writeLines(t, n, `{"kind":"k","args":{"n":%d}}`)
	prog := start(t, "producer", "import", file, "--redis", server.URL)
	redistest.Eventually(t, soon, "a part is stored", func() bool { return stored() > 0 })
	server.Pause()
	<-time.After(outage)
	server.Resume()
	if code := prog.Wait(); code != 1 || !strings.HasSuffix(prog.Stderr(), fmt.Sprintf("imported %d, rejected %d\n", n-n/badEvery, n/badEvery)) {
		t.Fatalf("import: exit %d, %.2000s", code, prog.Stderr())
	}
	if !strings.Contains(prog.Stderr(), "waiting for redis: no answer yet") {
		t.Error("nobody was told of the outage")
	}
	if got := stored(); got != n-n/badEvery {
		t.Errorf("%d jobs are stored; want %d", got, n-n/badEvery)
	}
}
