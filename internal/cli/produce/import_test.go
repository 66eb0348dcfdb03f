package produce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/jobjson"
	"github.com/drayhorse/drayhorse/internal/printable"
)

func (s *shop) list(state drayhorse.State) []*drayhorse.Info {
	s.t.Helper()
	a, err := admin.New(admin.Config{RedisURL: s.url, Namespace: s.namespace})
	if err != nil {
		s.t.Fatal(err)
	}
	defer a.Close()
	page, err := a.Jobs(s.t.Context(), admin.Filter{State: state, Limit: admin.MaxLimit})
	if err != nil {
		s.t.Fatal(err)
	}
	return page.Jobs
}

func TestImportStoresGoodLinesAndKeepsTheBadOnes(t *testing.T) {
	t.Parallel()
	s := setup(t)
	long := `{"kind":"k","args":"` + strings.Repeat("x", jobjson.MaxLine) + `"}`
	bad := []string{
		`{"kind":"k","knd":1}`, `{"kind":"k","kind":"k"}`, `{"Kind":"k"}`, `{"args":{}}`, `{"kind":"a b"}`, `{"kind":5}`,
		`{"kind":"k","in":"-5m"}`, `{"kind":"k","in":5}`, `{"kind":"k","at":"soon"}`, `{"kind":"k","max_attempts":0}`,
		`{"kind":"k","max_attempts":1.5}`, `{"kind":"k","id":""}`, `{"kind":"k","queue":null}`, `{"kind":"k"} {}`, `[1]`,
		`{"kind":"k"`, `{"kind":"k","args":}`, "{\"kind\":\"k\",\"args\":\"\xff\"}", long, "nonsense", `{"kind":"k","timeout":"0s"}`,
	}
	good := []string{
		`{"kind":"k"}`, `{"kind":"k","args":{"n":9007199254740993},"queue":"mail","id":"a","in":"5m"}`,
		` {"kind":"k","at":"2031-01-01T00:00:00Z","max_attempts":3,"timeout":"5s","retain":"1h","priority":"low","group":"g","id":"b"} ` + "\r", "",
	}
	var lines []string
	for i, text := range bad {
		lines = append(lines, text)
		if i < len(good) {
			lines = append(lines, good[i])
		}
	}
	input := write(t, "jobs.ndjson", strings.Join(lines, "\n")) // no line break at the end
	rejects := write(t, "bad.ndjson", "from before")
	code, stdout, stderr := s.run("", "import", input, "--rejects", rejects)
	if want := fmt.Sprintf("imported 3, rejected %d", len(bad)); code != 1 || stdout != "" || lastLine(stderr) != want {
		t.Fatalf("exit %d, %q, %q; want %q", code, stdout, stderr, want)
	}
	if got := read(t, rejects); got != strings.Join(bad, "\n")+"\n" {
		t.Errorf("rejects are %.300q", got)
	}
	for _, want := range []string{"line 1: field \"knd\" is not known", "line 3: field \"kind\" comes twice", "line 16: invalid: id \"\""} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no %q in %s", want, stderr)
		}
	}
	if n := strings.Count(stderr, "line "); n != maxReasons {
		t.Errorf("%d reasons; want %d", n, maxReasons)
	}
	if a, b := s.get("a"), s.get("b"); a.Queue != "mail" || a.State != drayhorse.Scheduled || string(a.Args) != `{"n":9007199254740993}` || b.MaxAttempts != 3 || b.Priority != drayhorse.Low || b.Group != "g" {
		t.Errorf("got %+v and %+v", a, b)
	}
	if code, _, stderr = s.run("", "import", rejects); code != 1 || lastLine(stderr) != fmt.Sprintf("imported 0, rejected %d", len(bad)) {
		t.Errorf("rejects again: exit %d, %q", code, lastLine(stderr))
	}
}

// TestImportRejectsWhatAFullQueueRefuses, and goes on with the other lines.
func TestImportRejectsWhatAFullQueueRefuses(t *testing.T) {
	t.Parallel()
	s := setup(t)
	if _, err := s.jobs.EnqueueRaw(t.Context(), "k", nil, drayhorse.Queue("mail")); err != nil {
		t.Fatal(err)
	}
	a, err := admin.New(admin.Config{RedisURL: s.url, Namespace: s.namespace})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.SetMaxDepth(t.Context(), "mail", 2); err != nil {
		t.Fatal(err)
	}
	lines := []string{`{"kind":"k","queue":"mail","id":"a"}`, `{"kind":"k", "queue":"mail"}`, `{"kind":"k"}`, `nonsense`, `{"kind":"k","queue":"mail","id":"d"}`}
	rejects := write(t, "bad.ndjson", "")
	code, _, stderr := s.run("", "import", write(t, "jobs.ndjson", strings.Join(lines, "\n")), "--rejects", rejects)
	if code != 1 || lastLine(stderr) != "imported 2, rejected 3" {
		t.Fatalf("exit %d, %q", code, stderr)
	}
	for _, want := range []string{"line 2: ", "line 5: queue mail is full: it has the 2 jobs that it may have"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no %q in %s", want, stderr)
		}
	}
	if got, want := read(t, rejects), lines[3]+"\n"+lines[1]+"\n"+lines[4]+"\n"; got != want {
		t.Errorf("rejects are %q, want %q", got, want)
	}
	if n := len(s.list(drayhorse.Available)); n != 3 {
		t.Errorf("%d jobs; want 3", n)
	}
}

// TestReasonsOfAnImportAreShownEscaped: lines come from anybody.
func TestReasonsOfAnImportAreShownEscaped(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"{\"kind\":\"k\u009b2J\u202e\"}", `{"kind":"k\u001b[2J\u202e"}`, "{\"kind\u009b\u200b\":1}", `{"k\u001b\u202e":1}`, "{\"kind\":\"k\",\"at\":\"\u202e\"}",
		"{\"kind\":\"k\",\"in\":\"\u009b\"}", `{"kind":"k","queue":"\u001b\u202e"}`, "{\"kind\":\x1b\u202e", "\x1b]0;t\a\u202e", "{\"kind\":\"k\"}\u202e\x9b",
		"{\"kind\":\"k\",\"args\":{\"\u202e\":1,\"\u202e\":1}}", "{\"kind\":\"k\",\"timeout\":\"\u2066\x7f\"}",
	} {
		code, _, stderr := run(t.Context(), line, "import", "-", "--dry-run")
		if code != cli.ExitFailed || strings.Count(stderr, "\n") != 2 {
			t.Errorf("%q: exit %d, %q", line, code, stderr)
		}
		for said := range strings.Lines(stderr) {
			if said = strings.TrimSuffix(said, "\n"); said != printable.Text(said) {
				t.Errorf("%q is shown as it is: %q", line, said)
			}
		}
	}
}

func TestImportKeepsTheOrderOfEachQueue(t *testing.T) {
	t.Parallel()
	s := setup(t)
	var b strings.Builder
	for i := range 900 {
		fmt.Fprintf(&b, "{\"kind\":\"k\",\"args\":%d,\"queue\":\"q%d\"}\n", i, i%2)
	}
	if code, _, stderr := s.run(b.String(), "import", "-"); code != 0 || lastLine(stderr) != "imported 900, rejected 0" {
		t.Fatalf("exit %d, %q", code, stderr)
	}
	last := map[string]int{"q0": -2, "q1": -1}
	for _, j := range s.list(drayhorse.Available) {
		if got := string(j.Args); got != fmt.Sprint(last[j.Queue]+2) {
			t.Fatalf("%s: %s comes after %d", j.Queue, got, last[j.Queue])
		}
		last[j.Queue] += 2
	}
}

func TestImportAgainAddsNothingTwice(t *testing.T) {
	t.Parallel()
	s := setup(t)
	input := write(t, "jobs.ndjson", `{"kind":"k","id":"a"}`+"\n"+`{"kind":"k","id":"b"}`+"\n"+`{"kind":"k","id":"a"}`+"\n")
	for _, want := range []string{"duplicates among them: 1\nimported 3, rejected 0\n", "duplicates among them: 3\nimported 3, rejected 0\n"} {
		if code, _, stderr := s.run("", "import", input); code != 0 || stderr != want {
			t.Errorf("exit %d, %q; want %q", code, stderr, want)
		}
	}
	if n := len(s.list(drayhorse.Available)); n != 2 {
		t.Errorf("%d jobs; want 2", n)
	}
}

func TestImportOfNothing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, input := range []string{"", "\n\n"} {
		if code, _, stderr := s.run(input, "import", "-"); code != 0 || stderr != "imported 0, rejected 0\n" {
			t.Errorf("%q: exit %d, %q", input, code, stderr)
		}
	}
}

func TestDryRunStoresNothing(t *testing.T) {
	t.Parallel()
	code, _, stderr := run(t.Context(), `{"kind":"k"}`+"\nx", "import", "-", "--dry-run", "--redis", "redis://127.0.0.1:1")
	if code != 1 || stderr != "line 2: not a JSON object\nwould import 1, rejected 1\n" {
		t.Errorf("exit %d, %q", code, stderr)
	}
}

func TestRejectsAreNotWrittenOverTheInput(t *testing.T) {
	t.Parallel()
	input := write(t, "jobs.ndjson", "x\n")
	if code, _, stderr := run(t.Context(), "", "import", input, "--rejects", input); code != 2 || read(t, input) != "x\n" {
		t.Errorf("exit %d, %q", code, stderr)
	}
}

// flaky is a Redis that fails some calls.
type flaky struct {
	fail  func(call int, specs []drayhorse.Spec) ([]*drayhorse.Info, error) // nil, nil: it works
	calls int
	got   []string // arguments of what was stored
}

func (f *flaky) EnqueueMany(ctx context.Context, specs []drayhorse.Spec) ([]*drayhorse.Info, error) {
	f.calls++
	if infos, err := f.fail(f.calls, specs); err != nil {
		return infos, err
	}
	for _, s := range specs {
		args, err := drayhorse.EncodeArgs(s.Args, 100)
		if err != nil {
			return nil, err
		}
		f.got = append(f.got, string(args))
	}
	return dryRun{}.EnqueueMany(ctx, specs)
}

// imported runs an import into a Redis and gives what it wrote.
func imported(ctx context.Context, p enqueuer, in io.Reader) (*importer, string) {
	var stderr strings.Builder
	im := &importer{producer: p, reader: &reader{lines: jobjson.NewLines(in, jobjson.MaxLine)}, progress: newProgress(&stderr, -1)}
	_ = im.report(&stderr, false, im.run(ctx))
	return im, stderr.String()
}

const three = `{"kind":"k","id":"a","args":1}
{"kind":"k","id":"b","args":2}
{"kind":"k","id":"c","args":3}
`

func TestImportSendsAgainWhatHasAnID(t *testing.T) {
	t.Parallel()
	p := &flaky{fail: func(call int, specs []drayhorse.Spec) ([]*drayhorse.Info, error) {
		if call == 1 { // the first is stored, of the others nobody knows
			infos := make([]*drayhorse.Info, len(specs))
			infos[0] = &drayhorse.Info{}
			return infos, drayhorse.ErrUnavailable
		}
		return nil, nil
	}}
	_, stderr := imported(t.Context(), p, strings.NewReader(three))
	if lastLine(stderr) != "imported 3, rejected 0" || fmt.Sprint(p.got) != "[2 3]" {
		t.Errorf("sent again: %v; %q", p.got, stderr)
	}
}

func TestImportSendsNothingTwiceThatHasNoID(t *testing.T) {
	t.Parallel()
	p := &flaky{fail: func(_ int, specs []drayhorse.Spec) ([]*drayhorse.Info, error) {
		return make([]*drayhorse.Info, len(specs)), drayhorse.ErrUnavailable
	}}
	im, stderr := imported(t.Context(), p, strings.NewReader(strings.ReplaceAll(three, `"id":"b",`, "")))
	want := "stopped: lines 1 to 3 may be stored or not: redis unavailable (lines without an id are not sent again); all jobs up to line 0 are stored\nimported 0, rejected 0\n"
	if p.calls != 1 || stderr != want || im.total.line != 0 {
		t.Errorf("%d calls, %q; want one, %q", p.calls, stderr, want)
	}
}

func TestImportSendsAgainWhatWasNeverSent(t *testing.T) {
	t.Parallel()
	p := &flaky{fail: func(call int, _ []drayhorse.Spec) ([]*drayhorse.Info, error) {
		if call == 1 {
			return nil, drayhorse.ErrUnavailable // no infos: before anything was sent
		}
		return nil, nil
	}}
	if _, stderr := imported(t.Context(), p, strings.NewReader(`{"kind":"k","args":1}`)); lastLine(stderr) != "imported 1, rejected 0" {
		t.Errorf("got %q", stderr)
	}
}

func TestInterruptedImportSaysHowFarItCame(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancelCause(t.Context())
	defer stop(nil)
	p := &flaky{fail: func(int, []drayhorse.Spec) ([]*drayhorse.Info, error) {
		stop(errors.New("interrupted"))
		return nil, nil
	}}
	in, typed := io.Pipe() // stays open: more could come
	defer in.Close()
	go func() { _, _ = io.WriteString(typed, "x\n"+three) }()
	_, stderr := imported(ctx, p, in)
	want := "line 1: not a JSON object\nstopping: waiting up to 3s for the answer about the lines that are sent; another signal ends at once\nstopped: interrupted; all jobs up to line 4 are stored\nimported 3, rejected 1\n"
	if stderr != want {
		t.Errorf("got %q; want %q", stderr, want)
	}
}

func TestImportReadsNoFurtherAheadThanItsBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const all = 40 * batchJobs
		in, goOn := &endless{left: all}, make(chan struct{})
		p := &flaky{fail: func(int, []drayhorse.Spec) ([]*drayhorse.Info, error) { <-goOn; return nil, nil }}
		done := make(chan string)
		go func() { _, stderr := imported(t.Context(), p, in); done <- stderr }()
		synctest.Wait() // the first batch is on its way, and the reader waits
		buffered := jobjson.MaxLine / len(`{"kind":"k"}`)
		if read, most := all-in.left, 4*batchJobs+buffered; read > most {
			t.Errorf("%d lines are read while the first batch is stored; want at most %d", read, most)
		}
		close(goOn)
		if stderr := <-done; lastLine(stderr) != fmt.Sprintf("imported %d, rejected 0", all) {
			t.Errorf("got %q", stderr)
		}
	})
}

// endless is many lines.
type endless struct{ left int }

func (e *endless) Read(p []byte) (int, error) {
	const text = `{"kind":"k"}` + "\n"
	n := 0
	for e.left > 0 && n+len(text) <= len(p) {
		n += copy(p[n:], text)
		e.left--
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func TestImportPassesOverAByteOrderMark(t *testing.T) {
	t.Parallel()
	s := setup(t)
	code, _, stderr := s.run("\xef\xbb\xbf{\"kind\":\"k\",\"id\":\"bom1\"}\n{\"kind\":\"k\"}\n", "import", "-")
	if code != 0 || lastLine(stderr) != "imported 2, rejected 0" || s.get("bom1").Kind != "k" {
		t.Errorf("exit %d, %q", code, stderr)
	}
}

func TestImportCreatesQueuesUpToALimit(t *testing.T) {
	t.Parallel()
	s := setup(t)
	var lines strings.Builder
	for i := range 20 {
		fmt.Fprintf(&lines, "{\"kind\":\"k\",\"queue\":\"q%d\"}\n", i)
	}
	code, _, stderr := s.run(lines.String(), "import", "-", "--max-queues", "5")
	if code != 1 || !strings.Contains(stderr, "max_queues is 5") || !strings.HasPrefix(lastLine(stderr), "imported ") {
		t.Errorf("exit %d, %q", code, stderr)
	}
	if code, _, stderr := s.run(lines.String(), "import", "-"); code != 0 {
		t.Errorf("exit %d, %q", code, stderr)
	}
}
