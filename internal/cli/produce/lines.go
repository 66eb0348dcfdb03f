package produce

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/drayhorse/drayhorse"
)

// maxLine is the longest line that can be a job: arguments of the largest size
// and room for all else.
const maxLine = drayhorse.DefaultMaxArgs + 64<<10

// line is one line of an import.
type line struct {
	number int    // from 1
	text   []byte // with its line break, if it has one; valid until the next line is read
	size   int64  // in bytes; more than text has if the line is too long
	more   bool   // text is only the beginning
}

// blank reports whether there is nothing in the line.
func (l *line) blank() bool { return !l.more && len(bytes.TrimSpace(l.text)) == 0 }

// lineReader reads lines of any length in bounded memory.
type lineReader struct {
	in     *bufio.Reader
	number int
}

func newLineReader(in io.Reader) *lineReader {
	return &lineReader{in: bufio.NewReaderSize(in, maxLine+1)}
}

// next gives the next line; io.EOF after the last one. Of a line that is too long
// it gives the first part, and rest gives the others.
func (r *lineReader) next() (*line, error) {
	text, more, err := r.part()
	if len(text) == 0 && err != nil {
		return nil, err
	}
	r.number++
	return &line{number: r.number, text: text, size: int64(len(text)), more: more}, nil
}

// rest reads what is left of a line that is too long and hands it on in parts.
func (r *lineReader) rest(l *line, take func(part []byte) error) error {
	for l.more {
		text, more, err := r.part()
		l.size, l.more = l.size+int64(len(text)), more
		if err := take(text); err != nil {
			return err
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// part reads up to the end of the line or of the buffer. The end of the input ends
// a line too.
func (r *lineReader) part() (text []byte, more bool, err error) {
	text, err = r.in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return text, true, nil
	case errors.Is(err, io.EOF) && len(text) > 0:
		return text, false, nil
	}
	return text, false, err
}
