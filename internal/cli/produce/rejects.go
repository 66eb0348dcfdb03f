package produce

import (
	"bufio"
	"errors"
	"os"
	"sync"

	"github.com/drayhorse/drayhorse/internal/cli"
)

// rejects is the file for lines that are no jobs; nil: they go nowhere. The reader
// may still be writing when an import that was stopped closes it.
type rejects struct {
	line sync.Mutex // held while one line is written, in parts
	mu   sync.Mutex
	file *os.File
	out  *bufio.Writer // nil: closed
}

// createRejects creates the file, none for the path "". It refuses the file that is
// read.
func createRejects(path string, in *input) (*rejects, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // a nil *rejects is ready to use
	}
	if before, err := os.Stat(path); err == nil && in.file != nil {
		if read, err := in.file.Stat(); err == nil && os.SameFile(before, read) {
			return nil, cli.Usagef("--rejects %q is the file that is imported; want another one", path)
		}
	}
	// For its owner alone: arguments may be secret.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // a person names it
	if err != nil {
		return nil, cli.Usagef("--rejects %q: %v; want a file that can be written", path, cause(err))
	}
	return &rejects{file: f, out: bufio.NewWriter(f)}, nil
}

// hold keeps others from writing until what it gives is called.
func (r *rejects) hold() (release func()) {
	if r == nil {
		return func() {}
	}
	r.line.Lock()
	return r.line.Unlock
}

// Write adds a part of a line.
func (r *rejects) Write(part []byte) (int, error) {
	if r == nil {
		return len(part), nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.out == nil {
		return 0, os.ErrClosed
	}
	return r.out.Write(part)
}

// Close makes sure that all is in the file. Closing twice is harmless.
func (r *rejects) Close() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.out == nil {
		return nil
	}
	err := errors.Join(r.out.Flush(), r.file.Close())
	r.out = nil
	return err
}
