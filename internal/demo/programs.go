package demo

import (
	"os"
	"path/filepath"
	"slices"
)

// program is how a program is started.
type program []string

func (p program) argv(args ...string) []string { return append(slices.Clone(p), args...) }

// programs are those that the demo starts. self is drayhorse.
type programs struct {
	self, producer, worker, scheduler program
}

// findPrograms takes the programs beside this one, and where there are none the
// same in this one.
func findPrograms() (programs, error) {
	self, err := os.Executable()
	if err != nil {
		return programs{}, err
	}
	find := func(name string) program {
		beside := filepath.Join(filepath.Dir(self), name+filepath.Ext(self))
		if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() {
			return program{beside}
		}
		return program{self, name}
	}
	return programs{self: program{self}, producer: find("producer"), worker: find("worker"), scheduler: find("scheduler")}, nil
}
