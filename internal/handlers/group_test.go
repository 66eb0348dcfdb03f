package handlers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
)

var errStub = errors.New("stub")

// patience is how long a fact may take to become true.
const patience = 3 * time.Minute

// processes waits for processes that call report.
type processes struct {
	net.Listener
	address string
}

func listen(t *testing.T) processes {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return processes{l, l.Addr().String()}
}

// args are the arguments of a job that tell a command where to report.
func (p processes) args() string { return fmt.Sprintf(`{"to":%q}`, p.address) }

// accept gives the connection and number of the next process.
func (p processes) accept(t *testing.T) (net.Conn, int) {
	t.Helper()
	_ = p.Listener.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
	conn, err := p.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return conn, pid
}

// gone waits until the process behind conn has ended.
func gone(t *testing.T, conn net.Conn) {
	t.Helper()
	_, err := conn.Read(make([]byte, 1))
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a process is still alive: %v", err)
	}
}

// TestTimeoutEndsTheWholeGroup: seven processes that ignore SIGTERM.
func TestTimeoutEndsTheWholeGroup(t *testing.T) {
	t.Parallel()
	at := listen(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	cfg := act("stubborn", "{{to}}", "2")
	cfg.Grace = 50 * time.Millisecond
	run := buildOne(t, Config{Exec: cfg}, Options{})
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, newJob(at.args()).Job) }()
	var alive []net.Conn
	for range 7 {
		conn, _ := at.accept(t)
		alive = append(alive, conn)
	}
	cancel(drayhorse.ErrStopping)
	if err := <-ended; !errors.Is(err, drayhorse.ErrStopping) {
		t.Errorf("error is %v; want the cause of its context", err)
	}
	for _, conn := range alive {
		gone(t, conn)
	}
}

func TestTimeoutOfItsOwn(t *testing.T) {
	t.Parallel()
	at := listen(t)
	cfg := act("hold", "{{to}}")
	cfg.Timeout = 300 * time.Millisecond
	err := buildOne(t, Config{Exec: cfg}, Options{})(t.Context(), newJob(at.args()).Job)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "timed out after 300ms") {
		t.Errorf("error is %v; want the timeout named", err)
	}
}

// TestChildrenDoNotOutliveTheirCommand: the command itself ends well.
func TestChildrenDoNotOutliveTheirCommand(t *testing.T) {
	t.Parallel()
	at := listen(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cfg := &Exec{
		Command: []string{"sh", "-c", `"$1" "$2" & read -r line < "$3"; echo done`, "sh", self, "{{to}}", "{{fifo}}"},
		Set:     map[string]string{actVariable: "hold"}, Env: []string{"PATH"},
	}
	fifo := t.TempDir() + "/go"
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	run := buildOne(t, Config{Exec: cfg}, Options{})
	job := newJob(fmt.Sprintf(`{"to":%q,"fifo":%q}`, at.address, fifo))
	ended := make(chan error, 1)
	go func() { ended <- run(t.Context(), job.Job) }()
	conn, _ := at.accept(t)
	if err := os.WriteFile(fifo, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil || job.text(t) != "done\n" {
		t.Errorf("error %v, result %s", err, job.result)
	}
	gone(t, conn)
}

// TestInterruptedIsNotCompleted: a command that ends on SIGTERM with status 0 has
// been stopped all the same.
func TestInterruptedIsNotCompleted(t *testing.T) {
	t.Parallel()
	at := listen(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	cfg := act("polite", "{{to}}")
	cfg.Grace = patience
	run := buildOne(t, Config{Exec: cfg}, Options{})
	job := newJob(at.args())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, job.Job) }()
	conn, _ := at.accept(t)
	cancel(drayhorse.ErrCancelled)
	if err := <-ended; !errors.Is(err, drayhorse.ErrCancelled) || job.result != nil {
		t.Errorf("error %v, result %s; want the cause of the context alone", err, job.result)
	}
	gone(t, conn)
}

func TestEndedContextStartsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errStub)
	dir := t.TempDir()
	run := buildOne(t, Config{Exec: &Exec{Command: []string{"touch", "started"}, Dir: dir}}, Options{})
	if err := run(ctx, newJob("{}").Job); !errors.Is(err, errStub) {
		t.Errorf("error is %v; want the cause of the context", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("the command ran: %v, %v", entries, err)
	}
}

// TestProcessThatLeftTheGroup: it cannot be ended, but it does not hold the job.
func TestProcessThatLeftTheGroup(t *testing.T) {
	t.Parallel()
	at := listen(t)
	run := buildOne(t, Config{Exec: act("escape", "{{to}}")}, Options{})
	ended := make(chan error, 1)
	go func() { ended <- run(t.Context(), newJob(at.args()).Job) }()
	conn, pid := at.accept(t)
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "left a process behind") {
		t.Errorf("error is %v; want it to say that a process is left", err)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	gone(t, conn)
}
