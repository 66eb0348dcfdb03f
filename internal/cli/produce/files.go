package produce

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/drayhorse/drayhorse/internal/cli"
)

// input is what an import reads.
type input struct {
	io.Reader

	file *os.File // nil: stdin
	size int64    // in bytes; -1: nobody knows
}

// openInput opens a file that a person names; holds says what it is to hold.
func openInput(path, holds string, stdin io.Reader) (*input, error) {
	if path == "-" {
		return &input{Reader: stdin, size: -1}, nil
	}
	f, err := os.Open(path) //nolint:gosec // a person names it
	if err != nil {
		return nil, cli.Usagef("%q: %v; want a file with %s, or - for stdin", path, cause(err), holds)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = cli.Usagef("%q is a directory; want a file with %s, or - for stdin", path, holds)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	in := &input{Reader: f, file: f, size: -1}
	if info.Mode().IsRegular() {
		in.size = info.Size()
	}
	return in, nil
}

func (in *input) Close() error {
	if in.file == nil {
		return nil
	}
	return in.file.Close()
}

// cause is what the system says without the path.
func cause(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return fmt.Errorf("cannot be opened: %w", err)
}
