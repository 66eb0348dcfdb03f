package top

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/gdamore/tcell/v3/vt"
	"golang.org/x/sys/unix"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli/clitest"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

var build = sync.OnceValues(func() (string, error) {
	return filepath.Join(programs, "drayhorse"), clitest.BuildInto(programs, "github.com/drayhorse/drayhorse/cmd/drayhorse")
})

// tube is the built program on a terminal of the system, and what an emulator shows of it.
type tube struct {
	t       *testing.T
	ours    *os.File // what is typed goes here
	theirs  *os.File
	before  *unix.Termios
	cmd     *exec.Cmd
	ended   chan struct{}
	shows   vt.MockTerm
	mu      sync.Mutex
	written bytes.Buffer
}

// open starts the program on the desk's Redis.
func (d *desk) open(width, height int, env []string, args ...string) *tube {
	d.t.Helper()
	path, err := build()
	if err != nil {
		d.t.Fatal(err)
	}
	b := &tube{t: d.t, ended: make(chan struct{}), shows: vt.NewMockTerm(vt.MockOptSize{X: vt.Col(width), Y: vt.Row(height)})}
	b.ours, b.theirs = clitest.Terminal(d.t)
	if err := unix.IoctlSetWinsize(int(b.theirs.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(height), Col: uint16(width)}); err != nil {
		d.t.Fatal(err)
	}
	b.before = b.modes()
	if err := b.shows.Start(); err != nil {
		d.t.Fatal(err)
	}
	b.cmd = exec.Command(path, append([]string{"top", "--redis", d.url, "--namespace", d.namespace, "--every", "500ms"}, args...)...)
	b.cmd.Env = append([]string{"TERM=xterm-256color", "PATH=" + os.Getenv("PATH"), "HOME=/nonexistent"}, env...)
	b.cmd.Stdin, b.cmd.Stdout, b.cmd.Stderr = b.theirs, b.theirs, b.theirs
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	if err := b.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	go func() {
		_ = b.cmd.Wait() // the state says it
		close(b.ended)
	}()
	go b.relay()
	d.t.Cleanup(func() {
		_ = b.cmd.Process.Kill()
		<-b.ended
		_ = b.shows.Stop()
		if d.t.Failed() {
			d.t.Logf("the terminal shows\n%s", b.screen())
		}
	})
	return b
}

// relay shows what the program writes.
func (b *tube) relay() {
	some := make([]byte, 4096)
	for {
		n, err := b.ours.Read(some)
		if err != nil {
			return
		}
		b.mu.Lock()
		b.written.Write(some[:n])
		b.mu.Unlock()
		_, _ = b.shows.Write(some[:n])
	}
}

// modes are those of the terminal.
func (b *tube) modes() *unix.Termios {
	b.t.Helper()
	modes, err := unix.IoctlGetTermios(int(b.theirs.Fd()), unix.TCGETS)
	if err != nil {
		b.t.Fatal(err)
	}
	return modes
}

// screen gives what is shown.
func (b *tube) screen() string {
	size, _ := b.shows.WindowSize()
	var lines []string
	for y := range size.Height {
		var line strings.Builder
		for x := 0; x < size.Width; x++ {
			cell := b.shows.GetCell(vt.Coord{X: vt.Col(x), Y: vt.Row(y)})
			if cell.C == "" {
				cell.C = " "
			}
			line.WriteString(cell.C)
			x += max(cell.W, 1) - 1
		}
		lines = append(lines, strings.TrimRight(line.String(), " "))
	}
	return strings.Join(lines, "\n")
}

// raw gives all that was written.
func (b *tube) raw() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.written.String()
}

func (b *tube) sees(want string) {
	b.t.Helper()
	redistest.Eventually(b.t, within, fmt.Sprintf("%q is on the screen", want), func() bool { return strings.Contains(b.screen(), want) })
}

func (b *tube) types(text string) {
	b.t.Helper()
	if _, err := b.ours.WriteString(text); err != nil {
		b.t.Fatal(err)
	}
}

// ends wants the program to end with a code, and the terminal to be as it was before.
func (b *tube) ends(code int) {
	b.t.Helper()
	redistest.Eventually(b.t, within, "the program ends", func() bool {
		select {
		case <-b.ended:
			return true
		default:
			return false
		}
	})
	if got := b.cmd.ProcessState.ExitCode(); got != code {
		b.t.Errorf("exit code %d; want %d", got, code)
	}
	if after := b.modes(); *after != *b.before {
		b.t.Errorf("the modes of the terminal are %+v; they were %+v", after, b.before)
	}
	for mode, usual := range map[string]string{"?1049": "l", "?25": "h", "?2004": "l", "?7": "h"} { // alternate screen, cursor, pasting, wrapping
		redistest.Eventually(b.t, within, "mode "+mode+" is "+usual+" again", func() bool {
			on, off := strings.LastIndex(b.raw(), "\x1b["+mode+"h"), strings.LastIndex(b.raw(), "\x1b["+mode+"l")
			return on != off && (on > off) == (usual == "h")
		})
	}
}

// TestTheProgramOnATerminal presses keys, and acts on a job.
func TestTheProgramOnATerminal(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.everyState()
	b := d.open(80, 24, nil)
	b.sees("1 Overview")
	b.sees("1 discarded job kept in 1 queue.")
	b.types("2")
	b.sees("›mail")
	b.types("\r")
	b.sees("filter queue:mail")
	b.types("/")
	b.sees("Which jobs")
	b.types(" stat:x")
	b.sees(`"stat" is not known`)
	b.types("\x17state:discarded\r") // ctrl+w
	b.sees("›discarded discarded")
	b.types("R")
	b.sees("Retry?")
	b.types("n")
	b.sees("Nothing was done.")
	d.is("discarded", drayhorse.Discarded)
	b.types("R")
	b.sees("job discarded of queue mail (dead)")
	d.is("discarded", drayhorse.Discarded)
	// Another size, while the question is open.
	if err := unix.IoctlSetWinsize(int(b.theirs.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 20, Col: 60}); err != nil {
		t.Fatal(err)
	}
	b.shows.SetSize(vt.Coord{X: 60, Y: 20})
	b.sees("job discarded of queue mail (dead)")
	b.types("y")
	b.sees("Retried job discarded of queue mail")
	redistest.Eventually(t, within, "it ran again, and is discarded twice", func() bool {
		info, err := d.admin.Get(t.Context(), "mail", "discarded")
		return err == nil && info.State == drayhorse.Discarded && len(info.Errors) == 2
	})
	if strings.Contains(b.raw(), "\x1b[31muser") || strings.Contains(b.raw(), "\u202e") {
		t.Error("what the handler wrote went to the terminal as it is")
	}
	b.types("\x1b[200~Dy\x1b[201~") // pasted
	b.types("5")
	b.sees("There are no schedules.")
	b.types("q")
	b.ends(0)
	d.is("discarded", drayhorse.Discarded) // it was not deleted
}

// TestSignalsEndTheProgram and leave the terminal as it was.
func TestSignalsEndTheProgram(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			b := setup(t).open(60, 20, nil)
			b.sees("1 Overview")
			if err := b.cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
			b.ends(0)
		})
	}
}

// TestNoColour: with NO_COLOR, and where no locale is set, all is shown without colours.
func TestNoColour(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.everyState()
	for _, env := range [][]string{{"NO_COLOR=1"}, {"LC_ALL=C"}} {
		b := d.open(80, 24, env)
		b.sees("›mail")
		b.sees("leader none")
		coloured := regexp.MustCompile(`\x1b\[[34][0-9]`).MatchString(b.raw())
		if want := env[0] != "NO_COLOR=1"; coloured != want {
			t.Errorf("%v: coloured: %v", env, coloured)
		}
		b.types("q")
		b.ends(0)
	}
}
