//go:build !linux

package work

// hideMemory has nothing to do: without /proc, memory is read by debuggers alone.
func hideMemory() error { return nil }
