package check

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/drayhorse/drayhorse/outbox"
)

// postgres is one PostgreSQL, that never waits for the disk: processes are killed here,
// not machines.
func postgres(tb testing.TB) *server {
	tb.Helper()
	program := find(tb, "postgres", "postgresql", "/usr/lib/postgresql/*/bin/postgres")
	s := newServer(tb, outbox.Postgres, "postgres")
	data := filepath.Join(s.dir, "data")
	s.run(filepath.Join(filepath.Dir(program), "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale", "C")
	s.command = []string{program, "-D", data}
	for _, setting := range []string{
		"listen_addresses=127.0.0.1", "port=" + s.port, "unix_socket_directories=", "max_connections=200", "max_prepared_transactions=10",
		"fsync=off", "full_page_writes=off", "synchronous_commit=off", "autovacuum_naptime=1",
	} {
		s.command = append(s.command, "-c", setting)
	}
	s.dsn = func(database string) (driver, dsn string) {
		return "pgx", fmt.Sprintf("postgres://postgres@127.0.0.1:%s/%s?sslmode=disable", s.port, database)
	}
	s.admin, s.stopBy = "postgres", syscall.SIGQUIT
	s.start()
	return s
}

// mariadb is one MariaDB, with the defaults of InnoDB but for the disk.
func mariadb(tb testing.TB) *server {
	tb.Helper()
	program := find(tb, "mariadbd", "mariadb-server", "/usr/sbin/mariadbd", "/usr/libexec/mariadbd")
	s := newServer(tb, outbox.MySQL, "mysql")
	data := filepath.Join(s.dir, "data")
	install := find(tb, "mariadb-install-db", "mariadb-server", "/usr/bin/mariadb-install-db")
	s.run(install, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db", "--tmpdir="+s.dir, "--innodb-flush-log-at-trx-commit=0")
	s.command = []string{
		program, "--no-defaults", "--datadir=" + data, "--bind-address=127.0.0.1", "--port=" + s.port, "--socket=" + filepath.Join(s.dir, "socket"),
		"--pid-file=" + filepath.Join(s.dir, "pid"), "--innodb-flush-log-at-trx-commit=0", "--sync-binlog=0", "--skip-name-resolve", "--tmpdir=" + s.dir,
	}
	s.dsn = func(database string) (driver, dsn string) {
		return "mysql", fmt.Sprintf("root@tcp(127.0.0.1:%s)/%s", s.port, database)
	}
	s.admin, s.stopBy = "mysql", syscall.SIGKILL
	s.start()
	return s
}

// find gives a program of a package of Debian's, in PATH or where that keeps it. Without
// it the tests fail: none is skipped in silence.
func find(tb testing.TB, name, pkg string, places ...string) string {
	tb.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, place := range places {
		if found, _ := filepath.Glob(place); len(found) > 0 {
			return slices.Max(found)
		}
	}
	tb.Fatalf("%s is not installed: test/install.sh %s installs it, which is Debian's package %s", name, name, pkg)
	return ""
}

// sqlite makes a database in a file.
func sqlite(tb testing.TB) *database {
	tb.Helper()
	dir, err := os.MkdirTemp("", "outbox-sqlite-")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	file := filepath.Join(dir, "app.db")
	return &database{
		dialect: outbox.SQLite, driver: "sqlite",
		dsn: "file:" + file + "?_pragma=busy_timeout(120000)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_txlock=immediate",
	}
}

// database is an empty one of an application.
type database struct {
	dialect     outbox.Dialect
	driver, dsn string
}

// open opens it until the test ends.
func (d *database) open(tb testing.TB) *sql.DB {
	tb.Helper()
	db, err := sql.Open(d.driver, d.dsn)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	return db
}
