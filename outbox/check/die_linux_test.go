package check

import "syscall"

// dieWithParent has a child end when this program does.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
