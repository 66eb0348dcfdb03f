package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/drayhorse/drayhorse/bench/internal/process"
)

// startNATS runs the NATS server that this program embeds, in a process of its own.
// Memory or file is chosen by the stream; files are synced each second.
func startNATS(ctx context.Context, _ bool) (*Store, error) {
	p, url, err := process.Role(ctx, "nats")
	if err != nil {
		return nil, err
	}
	return &Store{Place: Place{URL: url, PID: p.Cmd.Process.Pid}, Version: "NATS " + server.VERSION, stop: []func(){p.End}}, nil
}

// ServeNATS is the role of that process.
func ServeNATS(in io.Reader, out io.Writer) error {
	dir, err := os.MkdirTemp("", "drayhorse-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: dir, SyncInterval: time.Second, NoSigs: true, NoLog: true,
	})
	if err != nil {
		return err
	}
	go s.Start()
	defer func() { s.Shutdown(); s.WaitForShutdown() }()
	if !s.ReadyForConnections(patience) {
		return errors.New("the NATS server does not start")
	}
	if _, err := fmt.Fprintln(out, strings.Replace(s.ClientURL(), "0.0.0.0", "127.0.0.1", 1)); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in) // until the parent closes it
	return err
}
