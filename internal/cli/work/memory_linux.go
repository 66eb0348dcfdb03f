package work

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// hideMemory keeps what this process knows, such as the password of Redis, from the
// commands that it runs as the same user: they cannot read /proc/PID/environ and
// /proc/PID/mem, or trace it, and there are no core dumps. A command of root can all the
// same where it has a capability for that, which is the error then.
func hideMemory() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("prctl PR_SET_DUMPABLE: %w", err)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var held [2]unix.CapUserData
	if err := unix.Capget(&header, &held[0]); err != nil {
		return fmt.Errorf("capget: %w", err)
	}
	for _, c := range []uint{unix.CAP_SYS_PTRACE, unix.CAP_SYS_ADMIN, unix.CAP_PERFMON} {
		if held[c/32].Effective&(1<<(c%32)) != 0 {
			return errors.New("the worker has CAP_SYS_PTRACE, CAP_SYS_ADMIN or CAP_PERFMON, and so have they; let it run as a user without")
		}
	}
	return nil
}
