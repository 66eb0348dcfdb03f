//go:build unix

package docs_test

import (
	"bytes"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

var stopwatch = flag.Duration("stopwatch", 0, "how long README's blocks may take, all together; 0: any time")

// patience is how long a terminal may take to say what the page says: it compiles first.
const patience = 5 * time.Minute

// TestReadmeRuns does what the README says, in an empty directory: it writes the files,
// runs the commands in order, and compares what they write. Where it stands in for what a
// machine without the release cannot do: the module comes from this checkout, and the
// ports are free ones.
func TestReadmeRuns(t *testing.T) {
	n := newcomer(t)
	begun := time.Now()
	for _, b := range blocks(t, "README.md") {
		at := time.Now()
		switch {
		case b.lang == "go" || b.lang == "yaml":
			n.write(b.about, b.text)
		case b.lang == "sh" && b.about == "":
			n.run(&b)
		case b.lang == "sh":
			n.start(&b)
		case b.lang == "text":
			n.compare(&b)
		case b.lang != "":
			t.Errorf("README.md:%d: block of %s; want go, yaml, sh or text", b.line, b.lang)
		}
		t.Logf("%6.2fs  README.md:%d  %s %s", time.Since(at).Seconds(), b.line, b.lang, b.about)
	}
	took := time.Since(begun)
	t.Logf("%6.2fs  in all", took.Seconds())
	if *stopwatch > 0 && took > *stopwatch {
		t.Errorf("it took %v, more than %v", took, *stopwatch)
	}
}

// visitor is somebody who follows the page.
type visitor struct {
	t         *testing.T
	dir, bin  string
	checkout  string
	redis     string // the address that stands for 127.0.0.1:6379
	env       []string
	terminals map[string]*terminal
	last      func() string // what was written last
	live      bool          // and more may come
}

func newcomer(t *testing.T) *visitor {
	t.Helper()
	checkout, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	n := &visitor{t: t, dir: t.TempDir(), bin: t.TempDir(), checkout: checkout, redis: freeAddr(t), terminals: map[string]*terminal{}}
	n.env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath", "PATH="+n.bin+":"+os.Getenv("PATH"), "GOBIN="+n.bin,
		"DRAYHORSE_LISTEN="+n.redis, "DRAYHORSE_API=127.0.0.1:0", "DRAYHORSE_REDIS_URL=redis://"+n.redis+"/0")
	t.Cleanup(func() {
		for _, term := range n.terminals {
			term.stop(t)
		}
	})
	return n
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// here puts the address that is used in place of the usual one.
func (n *visitor) here(text string) string {
	return strings.ReplaceAll(text, "127.0.0.1:6379", n.redis)
}

func (n *visitor) write(name, text string) {
	n.t.Helper()
	if name == "" {
		n.t.Fatalf("a file without a name: %.60q", text)
	}
	if err := os.WriteFile(filepath.Join(n.dir, name), []byte(n.here(text)), 0o600); err != nil {
		n.t.Fatal(err)
	}
}

var (
	install = regexp.MustCompile(`(?m)^go install ` + module + `(/\S+)@latest$`)
	get     = regexp.MustCompile(`(?m)^go get ` + module + `@latest$`)
)

// command is a block as a shell runs it, with the checkout for the release.
func (n *visitor) command(text string) *exec.Cmd {
	text = install.ReplaceAllString(n.here(text), "go -C '"+n.checkout+"' install .$1")
	text = get.ReplaceAllString(text, "go mod edit -replace "+module+"='"+n.checkout+"' -require "+module+"@v0.0.0-00010101000000-000000000000")
	cmd := exec.Command("sh", "-e", "-c", text)
	cmd.Dir, cmd.Env = n.dir, n.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// run runs commands to their end.
func (n *visitor) run(b *block) {
	n.t.Helper()
	cmd := n.command(b.text)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		n.t.Fatalf("README.md:%d: %v\n%s%s", b.line, err, out.String(), errs.String())
	}
	n.last, n.live = out.String, false
}

// start runs commands in a terminal, whose last ones are stopped as by Ctrl-C.
func (n *visitor) start(b *block) {
	n.t.Helper()
	if before := n.terminals[b.about]; before != nil {
		before.stop(n.t)
	}
	term := &terminal{cmd: n.command(b.text), ended: make(chan error, 1)}
	term.cmd.Stdout, term.cmd.Stderr = &term.out, &term.errs
	if err := term.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	go func() { term.ended <- term.cmd.Wait() }()
	n.terminals[b.about] = term
	n.last, n.live = term.out.String, true
}

// compare wants what was written last to be what the page shows; of a terminal, to
// become that.
func (n *visitor) compare(b *block) {
	n.t.Helper()
	want := regexp.QuoteMeta(strings.TrimSpace(n.here(b.text)))
	want = regexp.MustCompile(`(?m)^…$`).ReplaceAllString(want, `(?s:.*)`)
	want = strings.ReplaceAll(want, "…", ".*")
	pattern := regexp.MustCompile(`(?m)^` + want + `$`)
	if n.live {
		redistest.Eventually(n.t, patience, fmt.Sprintf("the terminal shows README.md:%d", b.line), func() bool {
			return pattern.MatchString(n.last())
		})
		return
	}
	if got := strings.TrimSpace(n.last()); !pattern.MatchString(got) {
		n.t.Errorf("README.md:%d says\n%s\nand what is written is\n%s", b.line, b.text, got)
	}
}

// terminal is commands that go on.
type terminal struct {
	cmd       *exec.Cmd
	out, errs output
	ended     chan error
}

// stop presses Ctrl-C, which goes to all that runs in the terminal.
func (term *terminal) stop(t *testing.T) {
	t.Helper()
	_ = syscall.Kill(-term.cmd.Process.Pid, syscall.SIGINT)
	if err := <-term.ended; err != nil && !strings.Contains(err.Error(), "signal: interrupt") {
		t.Errorf("%v\n%s", err, term.errs.String())
	}
	term.ended <- nil // for whoever stops it again
}

// output is what a terminal shows.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
