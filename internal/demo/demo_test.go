package demo

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestEveryFileIsRecordedOnce(t *testing.T) {
	t.Parallel()
	t.Run("redis", func(t *testing.T) {
		r := setup(t, "--files", "3000")
		r.start()
		r.wentWell("Redis ")
	})
	t.Run("embedded", func(t *testing.T) {
		r := setup(t, "--files", "3000")
		bin := filepath.Join(r.root, "bin")
		if err := os.Mkdir(bin, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"go", "sha256sum"} { // and no redis-server
			path, err := exec.LookPath(name)
			if err == nil {
				err = os.Symlink(path, filepath.Join(bin, name))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		r.cmd.Env = append(r.cmd.Env, "PATH="+bin)
		r.start()
		r.wentWell("the embedded server")
	})
}

var numbers = regexp.MustCompile(`(?m)^ *(\d+) +(\d+) +(\d+) +([\d.]+)s +(\d+) +(\d+) +(\d+)$`)

// wentWell checks the end of a demo on that server.
func (r *trial) wentWell(server string) {
	r.Helper()
	if code := r.exit(); code != 0 {
		r.Fatalf("exit code %d", code)
	}
	out := r.stdout.String()
	row := numbers.FindStringSubmatch(out)
	if row == nil {
		r.Fatal("no table")
	}
	jobs, attempts, rescued, ticks, changes := atoi(row[1]), atoi(row[2]), atoi(row[3]), atoi(row[6]), atoi(row[7])
	if rescued == 0 || attempts < jobs || attempts > jobs+rescued {
		r.Errorf("%d jobs, %d attempts, %d rescued; want some rescued and as many more attempts at most", jobs, attempts, rescued)
	}
	if ticks < 2 || changes == 0 {
		r.Errorf("%d ticks, %d leader changes; want one tick before a change at least, and one after", ticks, changes)
	}
	for _, want := range []string{
		server, "worker 1 is killed with SIGKILL", ", which leads, is killed with SIGKILL",
		" of worker 1 rescued ", "periodic job of ", "\nverified " + row[1] + "/" + row[1] + " ",
	} {
		if !strings.Contains(out, want) {
			r.Errorf("no %q", want)
		}
	}
	r.leftNothing()
}

func atoi(text string) int {
	n, _ := strconv.Atoi(text) // the pattern has digits only
	return n
}

func TestBrokenRecordFails(t *testing.T) {
	t.Parallel()
	for broken, want := range map[sabotage]string{
		wrongDigest: ": digest ",
		missing:     ": no record",
		double:      ": 2 records",
	} {
		t.Run(string(broken), func(t *testing.T) {
			r := setup(t, "--sabotage", string(broken))
			r.ownFiles()
			r.start()
			if code := r.exit(); code != 1 {
				t.Errorf("exit code %d; want 1", code)
			}
			if out := r.stdout.String(); !strings.Contains(out, want) || strings.Contains(out, "\nverified") {
				t.Errorf("want a fault with %q, and no good end", want)
			}
			if text := r.stderr.String(); !strings.Contains(text, "verified 2999/3000: ") {
				t.Errorf("%q; want 2999 of 3000", text)
			}
			r.leftNothing()
		})
	}
}

func TestInterruptedDemoLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			r := setup(t)
			r.ownFiles()
			r.start()
			r.awaitLine("is killed with SIGKILL")
			if err := r.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if code := r.exit(); code != 1 {
				t.Errorf("exit code %d; want 1", code)
			}
			r.leftNothing()
		})
	}
}

func TestFailedWorkerFailsTheDemo(t *testing.T) {
	r := setup(t)
	r.ownFiles()
	r.start()
	line := r.awaitLine("worker 2 is up")
	pid := atoi(regexp.MustCompile(`process (\d+)`).FindStringSubmatch(line)[1])
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if code := r.exit(); code != 1 || !strings.Contains(r.stderr.String(), "worker 2 ended: signal: killed") {
		t.Errorf("exit code %d; want 1, and the reason", code)
	}
	r.leftNothing()
}

func TestBadValuesAreUsageErrors(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--files", "-1"}, {"--files", "99"}, {"--files", "many"}, {"--concurrency", "0"},
		{"--sabotage", "rain"}, {"--dir", "/no/such"}, {"--dir", "demo_test.go"}, {"more"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			r := setup(t, args...)
			r.start()
			if code := r.exit(); code != 2 {
				t.Errorf("exit code %d; want 2", code)
			}
			if text := r.stderr.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, args[len(args)-1]) {
				t.Errorf("%q; want one line that names the value", text)
			}
			r.leftNothing()
		})
	}
}

// TestABrokenConnectionDoesNotEndTheDemo: the embedded server has one with each worker
// that is killed.
func TestABrokenConnectionDoesNotEndTheDemo(t *testing.T) {
	r := setup(t)
	r.ownFiles()
	r.start()
	r.awaitLine("the producer imports")
	if err := r.cmd.Process.Signal(syscall.SIGPIPE); err != nil {
		t.Fatal(err)
	}
	if code := r.exit(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

// TestADemoThatNobodySeesClearsUp: whoever watched has closed the pipe.
func TestADemoThatNobodySeesClearsUp(t *testing.T) {
	r := setup(t)
	r.ownFiles()
	seen, behind, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.cmd.Stdout = behind
	r.start()
	_ = behind.Close()
	for text := ""; !strings.Contains(text, "the producer imports"); {
		buffer := make([]byte, 1000)
		n, err := seen.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		text += string(buffer[:n])
	}
	_ = seen.Close()
	if code := r.exit(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	r.leftNothing()
}
