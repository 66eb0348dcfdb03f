package check

import (
	"bytes"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/redistest"
	"github.com/drayhorse/drayhorse/outbox"
)

// server is a database server that runs in a directory of its own.
type server struct {
	dialect outbox.Dialect
	dir     string
	port    string
	admin   string // a database that is always there
	command []string
	stopBy  syscall.Signal
	dsn     func(database string) (driver, dsn string)

	tb   testing.TB
	as   *syscall.SysProcAttr
	cmd  *exec.Cmd
	log  bytes.Buffer
	next atomic.Int64
}

// newServer prepares one that runs as the user, who is another one than root.
func newServer(tb testing.TB, dialect outbox.Dialect, name string) *server {
	tb.Helper()
	dir, err := os.MkdirTemp("", "outbox-"+name+"-")
	if err != nil {
		tb.Fatal(err)
	}
	_, port, err := net.SplitHostPort(redistest.FreeAddr(tb))
	if err != nil {
		tb.Fatal(err)
	}
	s := &server{dialect: dialect, dir: dir, port: port, tb: tb, as: &syscall.SysProcAttr{}}
	dieWithParent(s.as)
	if os.Geteuid() == 0 { // neither server wants to be root
		u, err := user.Lookup(name)
		if err != nil {
			tb.Fatalf("%v cannot run as root: %v", dialect, err)
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		s.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, int(uid), int(gid)); err != nil {
			tb.Fatal(err)
		}
	}
	return s
}

// run runs a program to its end.
func (s *server) run(program string, args ...string) {
	s.tb.Helper()
	cmd := exec.Command(program, args...)
	cmd.SysProcAttr, cmd.Dir = s.as, s.dir
	cmd.Env = append(os.Environ(), "TMPDIR="+s.dir) // two at once are in each other's way
	if out, err := cmd.CombinedOutput(); err != nil {
		s.tb.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// start starts it, or starts it again.
func (s *server) start() {
	s.tb.Helper()
	cmd := exec.Command(s.command[0], s.command[1:]...)
	cmd.SysProcAttr, cmd.Dir, cmd.Stderr = s.as, s.dir, &s.log
	if err := cmd.Start(); err != nil {
		s.tb.Fatal(err)
	}
	s.cmd = cmd
	driver, dsn := s.dsn(s.admin)
	db, err := sql.Open(driver, dsn)
	if err != nil {
		s.tb.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	redistest.Eventually(s.tb, 20*time.Second, s.command[0]+" answers", func() bool { return db.Ping() == nil })
}

// kill ends it without a word to its clients.
func (s *server) kill() error {
	_ = s.cmd.Process.Signal(s.stopBy)
	_ = s.cmd.Wait() // by a signal
	return nil
}

func (s *server) remove() error {
	_ = s.kill()
	return os.RemoveAll(s.dir)
}

// database makes an empty one, for one test.
func (s *server) database(tb testing.TB) *database {
	tb.Helper()
	driver, dsn := s.dsn(s.admin)
	db, err := sql.Open(driver, dsn)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	name := fmt.Sprintf("test%d", s.next.Add(1))
	if _, err := db.Exec("CREATE DATABASE " + name); err != nil {
		tb.Fatal(err)
	}
	driver, dsn = s.dsn(name)
	return &database{dialect: s.dialect, driver: driver, dsn: dsn}
}

// shared is a server that all tests use, each a database of its own.
type shared struct {
	once   sync.Once
	start  func(testing.TB) *server
	server *server
}

func (s *shared) get(tb testing.TB) *server {
	tb.Helper()
	s.once.Do(func() { s.server = s.start(tb) })
	if s.server == nil {
		tb.Fatal("the server did not start: see the first test that wanted it")
	}
	return s.server
}

func (s *shared) stop() error {
	if s.server == nil {
		return nil
	}
	return s.server.remove()
}

var (
	onePostgres = &shared{start: postgres}
	oneMariaDB  = &shared{start: mariadb}
)

// each runs a test on every database.
func each(t *testing.T, test func(t *testing.T, d *database)) {
	t.Helper()
	t.Parallel()
	t.Run("postgres", func(t *testing.T) { t.Parallel(); test(t, onePostgres.get(t).database(t)) })
	t.Run("mariadb", func(t *testing.T) { t.Parallel(); test(t, oneMariaDB.get(t).database(t)) })
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); test(t, sqlite(t)) })
}
