package report

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// ThisMachine describes where the program runs.
func ThisMachine(command string) Machine {
	return Machine{
		Date: time.Now().UTC().Format("2006-01-02 15:04 MST"), Cores: runtime.NumCPU(), Go: runtime.Version(), Command: command,
		CPU: field("/proc/cpuinfo", "model name"), Memory: memory(),
		Kernel: kernel(), Commit: commit(),
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

// kernel is its version: what follows the second dot is of this machine alone.
func kernel() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "unknown"
	}
	parts := strings.SplitN(strings.TrimSpace(string(text)), ".", 3)
	return strings.Join(parts[:min(len(parts), 2)], ".")
}

func memory() string {
	kB, err := strconv.Atoi(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"))
	if err != nil {
		return "unknown"
	}
	return fmt.Sprintf("%.0f GB", float64(kB)*1024/1e9)
}

func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output() //nolint:noctx // it is local and quick
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
