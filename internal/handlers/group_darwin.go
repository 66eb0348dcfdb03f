package handlers

import (
	"errors"
	"syscall"
)

func groupAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// awaitExit blocks until the child has ended and leaves it to be reaped. A child
// that cannot be watched has ended already; or the worker is out of descriptors,
// and then the run is ended as one that could not be started is.
func awaitExit(pid int) {
	queue, err := syscall.Kqueue()
	if err != nil {
		return
	}
	defer syscall.Close(queue)
	var watch syscall.Kevent_t
	syscall.SetKevent(&watch, pid, syscall.EVFILT_PROC, syscall.EV_ADD|syscall.EV_ONESHOT)
	watch.Fflags = syscall.NOTE_EXIT
	events := make([]syscall.Kevent_t, 1)
	for {
		_, err := syscall.Kevent(queue, []syscall.Kevent_t{watch}, events, nil)
		if !errors.Is(err, syscall.EINTR) {
			return
		}
	}
}
