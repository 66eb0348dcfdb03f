package report

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// ThisMachine describes where the program runs.
func ThisMachine(command string) Machine {
	return Machine{
		Date: time.Now().UTC().Format("2006-01-02 15:04 MST"), Cores: runtime.NumCPU(), Go: runtime.Version(), Command: command,
		CPU: field("/proc/cpuinfo", "model name"), Memory: field("/proc/meminfo", "MemTotal"),
		Kernel: first("/proc/sys/kernel/osrelease"), Commit: commit(),
	}
}

func field(file, name string) string {
	text, err := os.ReadFile(file) //nolint:gosec // one of two files of /proc
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func first(file string) string {
	text, err := os.ReadFile(file) //nolint:gosec // one file of /proc
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}

func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output() //nolint:noctx // it is local and quick
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
