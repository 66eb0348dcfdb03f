package process

import "syscall"

// dieWithParent ends a child even when this program is killed.
func dieWithParent(a *syscall.SysProcAttr) { a.Pdeathsig, a.Setpgid = syscall.SIGKILL, true }
