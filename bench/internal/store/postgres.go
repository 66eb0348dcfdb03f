package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/drayhorse/drayhorse/bench/internal/process"
)

// startPostgres runs PostgreSQL. In memory means that it never waits for the disk;
// durable that a commit reaches it a fraction of a second later, as with Redis's
// everysec.
func startPostgres(ctx context.Context, durable bool) (*Store, error) {
	initdb, postgres, err := findPostgres()
	if err != nil {
		return nil, err
	}
	port, err := process.FreePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "drayhorse-bench-")
	if err != nil {
		return nil, err
	}
	s := &Store{stop: []func(){func() { _ = os.RemoveAll(dir) }}}
	as, err := unprivileged(dir)
	if err != nil {
		s.Stop()
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	data := filepath.Join(dir, "data")
	init := exec.CommandContext(ctx, initdb, "-D", data, "-U", "bench", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale", "C") //nolint:gosec // Debian's program
	init.SysProcAttr, init.Dir = as, dir
	if out, err := init.CombinedOutput(); err != nil {
		s.Stop()
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	settings := map[string]string{
		"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "max_connections": "300",
		"shared_buffers": "512MB", "max_wal_size": "4GB", "synchronous_commit": "off", "fsync": "on",
	}
	if !durable {
		settings["fsync"], settings["full_page_writes"] = "off", "off"
	}
	args := []string{"-D", data}
	for name, value := range settings {
		args = append(args, "-c", name+"="+value)
	}
	var log bytes.Buffer
	cmd := exec.CommandContext(ctx, postgres, args...) //nolint:gosec // Debian's program
	cmd.SysProcAttr, cmd.Dir, cmd.Stderr = as, dir, &log
	p, err := process.Start(cmd)
	if err != nil {
		s.Stop()
		return nil, err
	}
	s.stop = append(s.stop, func() { p.Stop(syscall.SIGQUIT) })
	s.URL, s.PID = "postgres://bench@127.0.0.1:"+port+"/postgres?sslmode=disable", cmd.Process.Pid
	if s.Version, err = await(ctx, s.URL); err != nil {
		s.Stop()
		return nil, ended("postgres", err, log.String())
	}
	return s, nil
}

func await(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, url)
		if err == nil {
			defer func() { _ = conn.Close(ctx) }()
			version, _, _ := strings.Cut(conn.PgConn().ParameterStatus("server_version"), " ")
			return "PostgreSQL " + version, nil
		}
		if ctx.Err() != nil {
			return "", err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// findPostgres looks in PATH and where Debian keeps the programs.
func findPostgres() (initdb, postgres string, err error) {
	if path, err := exec.LookPath("postgres"); err == nil {
		return filepath.Join(filepath.Dir(path), "initdb"), path, nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		return "", "", errors.New("PostgreSQL is not installed (Debian's package postgresql)")
	}
	path := slices.Max(found)
	return filepath.Join(filepath.Dir(path), "initdb"), path, nil
}

// unprivileged gives a directory to the user that the server is to run as: it refuses
// to be root.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	as := &syscall.SysProcAttr{}
	if os.Geteuid() != 0 {
		return as, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL cannot run as root: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return as, os.Chown(dir, int(uid), int(gid))
}
