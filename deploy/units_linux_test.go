package deploy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// maxExposure is of 100, as systemd-analyze security counts; a unit that says nothing
// has 96.
const maxExposure = "15"

// TestUnitsAreValid has systemd-analyze verify the units, installed as README.md says,
// and judge how much they may do.
func TestUnitsAreValid(t *testing.T) {
	t.Parallel()
	root := installed(t)
	for _, unit := range units {
		unit = strings.Replace(unit, "@", "@default", 1)
		for _, args := range [][]string{
			{"verify", "--man=no", "--root=" + root, unit},
			{"security", "--offline=yes", "--no-pager", "--threshold=" + maxExposure, "--root=" + root, unit},
		} {
			out, err := tool(t, "systemd-analyze", ".", args...)
			if err != nil || args[0] == "verify" && out != "" {
				t.Errorf("systemd-analyze %s: %v\n%s", strings.Join(args, " "), err, out)
			}
		}
	}
}

// TestWorkerUnitOutlastsDrain: systemd kills a worker only after it handed its jobs
// back.
func TestWorkerUnitOutlastsDrain(t *testing.T) {
	t.Parallel()
	for _, want := range []string{"\nTimeoutStopSec=40s\n", "\nKillMode=mixed\n"} {
		if !strings.Contains(read(t, "systemd/drayhorse-worker@.service"), want) {
			t.Errorf("the unit lacks %q", want)
		}
	}
	if config := read(t, "systemd/worker-default.yaml"); !strings.Contains(config, "\nshutdown_timeout: 25s") {
		t.Errorf("the configuration has another shutdown_timeout:\n%s", config)
	}
}

// installed is the root of a system that has the units, what they refer to, and the
// program.
func installed(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	system := filepath.Join(root, "etc/systemd/system")
	if err := os.CopyFS(system, os.DirFS("systemd")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(root, "usr/local/bin"), os.DirFS(build(t))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"basic", "network-online", "shutdown", "sysinit", "multi-user", "local-fs", "slices"} {
		if err := os.WriteFile(filepath.Join(system, name+".target"), []byte("[Unit]\nDescription="+name+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
