package demo

import (
	"fmt"
	"os"
	"slices"

	"github.com/drayhorse/drayhorse"
)

// sabotage breaks one record on purpose, in the data, so that the demo can be seen
// to fail. The zero value breaks none.
type sabotage string

const (
	wrongDigest sabotage = "wrong-digest" // a file changes after it was digested
	missing     sabotage = "missing"      // a file gets no job
	double      sabotage = "double"       // a file gets two jobs
)

func (s sabotage) validate() error {
	if known := []sabotage{"", wrongDigest, missing, double}; !slices.Contains(known, s) {
		return fmt.Errorf("%w: sabotage %q; want %s, %s or %s", drayhorse.ErrInvalid, string(s), wrongDigest, missing, double)
	}
	return nil
}

// replace puts a copy in the place of the first file where that is to be changed:
// the files themselves are not the demo's. The copy has that path.
func (s sabotage) replace(paths []string, path string) error {
	if s != wrongDigest {
		return nil
	}
	content, err := os.ReadFile(paths[0])
	if err != nil {
		return err
	}
	paths[0] = path
	return os.WriteFile(path, content, 0o600) //nolint:gosec // in the directory of the stage
}

// jobs breaks the list of jobs.
func (s sabotage) jobs(jobs []line) []line {
	switch s {
	case missing:
		return jobs[1:]
	case double:
		again := jobs[0]
		again.ID += "-again"
		return append(jobs, again)
	}
	return jobs
}

// change changes the copy that replace made.
func (s sabotage) change(paths []string) error {
	if s != wrongDigest {
		return nil
	}
	f, err := os.OpenFile(paths[0], os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // the write is what matters
	_, err = f.WriteString("changed")
	return err
}
