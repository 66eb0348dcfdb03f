//go:build !linux

package store

import "time"

func sleeper() func(time.Duration) { return time.Sleep }
