package store

import (
	"runtime"
	"syscall"
	"time"
)

// sleeper sleeps more exactly than the runtime, whose timers are whole milliseconds
// when nothing else is to be done.
func sleeper() func(time.Duration) {
	const prSetTimerslack = 29
	runtime.LockOSThread()
	_, _, _ = syscall.Syscall(syscall.SYS_PRCTL, prSetTimerslack, 1, 0) // nanosecond; without it the sleep is 50 us longer
	return func(d time.Duration) {
		if d <= 0 {
			return
		}
		t := syscall.NsecToTimespec(int64(d))
		_ = syscall.Nanosleep(&t, nil)
	}
}
