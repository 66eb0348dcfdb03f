package check

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/outbox"
	"github.com/drayhorse/drayhorse/producer"
)

// relayEnv has this program be a relay, one to be killed.
const relayEnv = "OUTBOX_TEST_RELAY"

// child says what a relay process works on.
type child struct {
	Driver, DSN, RedisURL, Namespace string
	Dialect                          outbox.Dialect
	Lease                            time.Duration
}

// start starts a relay process.
func (c child) start(tb testing.TB) *exec.Cmd {
	tb.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), relayEnv+"="+string(text))
	cmd.Stderr, cmd.SysProcAttr = tb.Output(), &syscall.SysProcAttr{}
	dieWithParent(cmd.SysProcAttr)
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	return cmd
}

func kill(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // by the signal
}

// relayForever is what the process does.
func relayForever() {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, "relay:", err)
			os.Exit(1)
		}
	}
	var c child
	fail(json.Unmarshal([]byte(os.Getenv(relayEnv)), &c))
	db, err := sql.Open(c.Driver, c.DSN)
	fail(err)
	box, err := outbox.New(outbox.Config{
		DB: db, Dialect: c.Dialect, Lease: c.Lease, Poll: 5 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	fail(err)
	p, err := producer.New(producer.Config{RedisURL: c.RedisURL, Namespace: c.Namespace})
	fail(err)
	fail(box.Relay(context.Background(), p))
}
