package jobjson

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/drayhorse/drayhorse"
)

// MaxLine is the longest line that can be a job: arguments of the largest size and
// room for all else.
const MaxLine = drayhorse.DefaultMaxArgs + 64<<10

// Line is one line of an input.
type Line struct {
	Number int    // from 1
	Text   []byte // with its line break, if it has one; valid until the next line is read
	Size   int64  // in bytes; more than Text has if the line is too long
	More   bool   // Text is only the beginning
}

// Blank reports whether there is nothing in the line.
func (l *Line) Blank() bool { return !l.More && len(bytes.TrimSpace(l.Text)) == 0 }

// Lines reads lines of any length in bounded memory.
type Lines struct {
	in     *bufio.Reader
	number int
}

// NewLines makes a reader of lines that are at most longest bytes long; of longer
// ones it gives the beginning.
func NewLines(in io.Reader, longest int) *Lines {
	return &Lines{in: bufio.NewReaderSize(in, longest+1)}
}

// Number is that of the last line that was read; 0 before the first.
func (r *Lines) Number() int { return r.number }

// Ready reports whether there is a whole line that need not be waited for.
func (r *Lines) Ready() bool {
	buffered, _ := r.in.Peek(r.in.Buffered())
	return bytes.IndexByte(buffered, '\n') >= 0
}

// Next gives the next line; io.EOF after the last one. Of a line that is too long
// it gives the first part, and Rest gives the others.
func (r *Lines) Next() (*Line, error) {
	text, more, err := r.part()
	if err != nil {
		return nil, err
	}
	r.number++
	return &Line{Number: r.number, Text: text, Size: int64(len(text)), More: more}, nil
}

// Rest reads what is left of a line that is too long and hands it on in parts. Like a
// line, it may end with the input.
func (r *Lines) Rest(l *Line, take func(part []byte) error) error {
	for l.More {
		text, more, err := r.part()
		l.Size, l.More = l.Size+int64(len(text)), more
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := take(text); err != nil {
			return err
		}
	}
	return nil
}

// part reads up to the end of the line or of the buffer. The end of the input ends
// a line too; a line that an error ends is none.
func (r *Lines) part() (text []byte, more bool, err error) {
	text, err = r.in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return text, true, nil
	case errors.Is(err, io.EOF) && len(text) > 0:
		return text, false, nil
	case err != nil:
		return nil, false, err
	}
	return text, false, nil
}
