package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// ticks per second of /proc, on every Linux.
const ticks = 100

// CPU is how many CPU seconds a process has used, its children and theirs included,
// the dead ones too. It reads /proc.
func CPU(pid int) (float64, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	spent, children := map[int]float64{}, map[int][]int{}
	for _, entry := range entries {
		id, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if parent, seconds, ok := stat(id); ok {
			spent[id], children[parent] = seconds, append(children[parent], id)
		}
	}
	if _, runs := spent[pid]; !runs {
		return 0, fmt.Errorf("process %d does not run", pid)
	}
	return sum(pid, spent, children), nil
}

func sum(pid int, spent map[int]float64, children map[int][]int) float64 {
	total := spent[pid]
	for _, child := range children[pid] {
		total += sum(child, spent, children)
	}
	return total
}

// stat is the parent of a process, and the CPU seconds of itself and of its children
// that have ended; false: it has ended.
func stat(pid int) (parent int, seconds float64, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, false
	}
	// The name, in parentheses, may hold anything: the fields are counted after it.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if parent, err = strconv.Atoi(fields[1]); err != nil {
		return 0, 0, false
	}
	for _, field := range fields[11:15] { // utime, stime, cutime, cstime
		n, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return 0, 0, false
		}
		seconds += n / ticks
	}
	return parent, seconds, true
}

// OwnCPU is how many CPU seconds this process has used, without its children.
func OwnCPU() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
