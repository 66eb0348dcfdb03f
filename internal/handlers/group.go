//go:build linux || darwin

package handlers

import (
	"context"
	"errors"
	"os/exec"
	"syscall"
	"time"
)

const groupsSupported = true

// pipeDelay is how long the output of a command may stay open when its whole
// group is gone: only a process that left the group can hold it.
const pipeDelay = 2 * time.Second

// runGroup runs cmd in a process group of its own and returns when it has
// ended and everything in the group is killed. When ctx ends first, the group
// gets SIGTERM, up to grace to end, and SIGKILL; the error is then the cause of
// ctx, whatever the exit status.
func runGroup(ctx context.Context, cmd *exec.Cmd, grace time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	cmd.SysProcAttr = groupAttributes()
	cmd.WaitDelay = pipeDelay
	if err := cmd.Start(); err != nil {
		return err
	}
	group := -cmd.Process.Pid
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		awaitExit(cmd.Process.Pid)
	}()
	interrupted := false
	select {
	case <-exited:
	case <-ctx.Done():
		interrupted = true
		_ = syscall.Kill(group, syscall.SIGTERM)
		select {
		case <-exited:
		case <-time.After(grace):
		}
	}
	// The command is not reaped yet, so the number of its group cannot have been
	// given to anybody else. A group that is empty already is no error.
	_ = syscall.Kill(group, syscall.SIGKILL)
	<-exited
	err := cmd.Wait()
	reapOrphans(group)
	if interrupted {
		return context.Cause(ctx)
	}
	return err
}

// reapOrphans takes the exit status of what was killed besides the command, where
// that is the worker's to do: as process 1 of a container it inherits them, and
// they would stay as zombies. Elsewhere there is nothing to reap.
func reapOrphans(group int) {
	for {
		_, err := syscall.Wait4(group, nil, 0, nil)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return
		}
	}
}
