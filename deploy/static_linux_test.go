package deploy_test

import (
	"debug/elf"
	"path/filepath"
	"testing"
)

// TestProgramsAreStatic: the image has no loader and no library.
func TestProgramsAreStatic(t *testing.T) {
	t.Parallel()
	dir := build(t)
	for _, name := range []string{"drayhorse", "producer", "scheduler", "worker"} {
		file, err := elf.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range file.Progs {
			if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
				t.Errorf("%s has a %v: it is not static", name, p.Type)
			}
		}
		_ = file.Close()
	}
}
