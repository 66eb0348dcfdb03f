//go:build !linux && !darwin

package handlers

import (
	"context"
	"errors"
	"os/exec"
	"time"
)

const groupsSupported = false

func runGroup(context.Context, *exec.Cmd, time.Duration) error {
	return errors.ErrUnsupported
}
