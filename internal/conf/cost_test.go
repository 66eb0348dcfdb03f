package conf_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestNoFileTakesTheMemory reads files of at most a megabyte that are made to cost.
func TestNoFileTakesTheMemory(t *testing.T) { // not parallel: it measures
	laughs := "x-a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'j'; c++ {
		laughs += fmt.Sprintf("x-%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", c-1), 9), ","))
	}
	merges := "x-a0: &a0 {x: 1, y: 2}\n"
	for i := range 60 {
		merges += fmt.Sprintf("x-a%d: &a%d {k%d: 1, <<: [%s]}\n", i+1, i+1, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), ", "))
	}
	long := strings.Repeat("k", 900_000)
	for name, content := range map[string]string{
		"brackets":     strings.Repeat("[", 1<<20),
		"braces":       strings.Repeat("{a: ", 1<<18),
		"dashes":       strings.Repeat("- ", 1<<19),
		"questions":    strings.Repeat("? ", 1<<19),
		"items":        "args: [" + strings.Repeat("a,", 1<<18) + "]",
		"keys":         strings.Repeat("a: b\n", 200_000),
		"laughs":       laughs + "args: *i\n",
		"text laughs":  laughs + "entries: *i\n",
		"merges":       merges + "args: *a60\n",
		"a long key":   "weights:\n  " + "w: 1\nargs:\n  ? " + long + "\n  : [" + strings.Repeat("a,", 9_000) + "b]\n",
		"a long alias": "x-a: &a " + long + "\nargs: [" + strings.TrimSuffix(strings.Repeat("*a,", 1_000), ",") + "]\n",
		"many aliases": "x-a: &a [" + strings.Repeat("a,", 5_000) + "b]\nargs: [" + strings.TrimSuffix(strings.Repeat("*a,", 4_000), ",") + "]\n",
		"comments":     strings.Repeat("#\n", 1<<19),
		"more lines":   strings.Repeat("a\n", 1<<19),
		"quotes":       "name: \"" + strings.Repeat("\\n\n", 300_000) + "\"",
		"directives":   strings.Repeat("%YAML 1.2\n", 100_000) + "---\n",
		"tags":         strings.Repeat("%TAG !a! tag:a\n", 60_000) + "---\n",
		"anchors":      strings.Repeat("&a ", 300_000),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err := decode(content)
		runtime.ReadMemStats(&after)
		took, mib := time.Since(start), (after.TotalAlloc-before.TotalAlloc)>>20
		t.Logf("%-12s %7d bytes: %4d MiB allocated, %v, %.150v", name, len(content), mib, took.Round(time.Millisecond), err)
		if mib > 100 || took > 20*time.Second {
			t.Errorf("%s: %d MiB allocated in %v", name, mib, took)
		}
	}
}
