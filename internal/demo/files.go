package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/drayhorse/drayhorse"
)

// sourceTree is the directory of Go's own sources.
func sourceTree(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("find Go's source tree: go env GOROOT: %w; name a directory with --dir", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "src"), nil
}

// listFiles gives the absolute paths of the regular files below dir, the first
// most of them in lexical order; 0: all.
func listFiles(dir string, most int) ([]string, error) {
	root, err := filepath.Abs(dir)
	if err == nil {
		root, err = filepath.EvalSymlinks(root) // distributions link to the tree
	}
	if err != nil {
		return nil, fmt.Errorf("%w: dir %q; want a directory: %w", drayhorse.ErrInvalid, dir, err)
	}
	var paths []string
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.Type().IsRegular() {
			paths = append(paths, path)
		}
		if most > 0 && len(paths) == most {
			return filepath.SkipAll
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(paths) < fewest {
		return nil, fmt.Errorf("%w: dir %q with %d files; want %d or more, so that a worker can be killed midway",
			drayhorse.ErrInvalid, dir, len(paths), fewest)
	}
	return paths, nil
}

// Names of what is digested.
const (
	digestQueue = "files"
	digestKind  = "digest"
)

// line is one job as producer import reads it.
type line struct {
	ID     string    `json:"id"`
	Kind   string    `json:"kind"`
	Queue  string    `json:"queue"`
	Args   arguments `json:"args"`
	Retain string    `json:"retain"`
}

type arguments struct {
	Path string `json:"path"`
}

// newLines makes one job for each file. They are kept long enough to be checked.
func newLines(paths []string) []line {
	lines := make([]line, len(paths))
	for i, path := range paths {
		lines[i] = line{
			ID: fmt.Sprintf("file-%05d", i+1), Kind: digestKind, Queue: digestQueue,
			Args: arguments{path}, Retain: "1h",
		}
	}
	return lines
}

// writeLines writes the file that is imported.
func writeLines(path string, lines []line) (err error) {
	f, err := os.Create(path) //nolint:gosec // in the directory of the stage
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriter(f)
	encoder := json.NewEncoder(w)
	for _, l := range lines {
		if err := encoder.Encode(l); err != nil {
			return err
		}
	}
	return w.Flush()
}
