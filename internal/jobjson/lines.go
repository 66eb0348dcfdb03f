package jobjson

import (
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
func (l *Line) Blank() bool {
	return !l.More && len(bytes.TrimSpace(bytes.TrimPrefix(l.Text, byteOrderMark))) == 0
}

// shortBuffer is what a reader of lines takes while no line is longer.
const shortBuffer = 64 << 10

// Lines reads lines of any length in bounded memory: what the longest line takes, while
// there are such lines.
type Lines struct {
	in         io.Reader
	buffer     []byte
	start, end int   // of what is read and not handed on
	err        error // of the last read
	longest    int
	number     int
}

// NewLines makes a reader of lines that are at most longest bytes long; of longer
// ones it gives the beginning.
func NewLines(in io.Reader, longest int) *Lines { return &Lines{in: in, longest: longest} }

// Number is that of the last line that was read; 0 before the first.
func (r *Lines) Number() int { return r.number }

// Ready reports whether there is a whole line that need not be waited for.
func (r *Lines) Ready() bool {
	return bytes.IndexByte(r.buffer[r.start:r.end], '\n') >= 0
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
	for searched := 0; ; {
		unread := r.buffer[r.start:r.end]
		if i := bytes.IndexByte(unread[searched:], '\n'); i >= 0 {
			return r.take(searched + i + 1), false, nil
		}
		searched = len(unread)
		switch {
		case searched > r.longest:
			return r.take(searched), true, nil
		case errors.Is(r.err, io.EOF) && searched > 0:
			return r.take(searched), false, nil
		case r.err != nil:
			return nil, false, r.err
		}
		r.fill()
	}
}

func (r *Lines) take(n int) []byte {
	text := r.buffer[r.start : r.start+n]
	r.start += n
	return text
}

// fill reads once. First it makes room: by moving what is unread to the front, by a
// larger buffer for a long line, or by a short one after that.
func (r *Lines) fill() {
	unread := r.buffer[r.start:r.end]
	switch short := min(shortBuffer, r.longest+1); {
	case len(unread) == 0 && len(r.buffer) != short:
		r.buffer = make([]byte, short)
	case len(unread) == len(r.buffer):
		larger := make([]byte, min(2*len(r.buffer), r.longest+1))
		copy(larger, unread)
		r.buffer = larger
	default:
		copy(r.buffer, unread)
	}
	r.start, r.end = 0, len(unread)
	for range 100 { // as bufio bears with readers that give nothing
		n, err := r.in.Read(r.buffer[r.end:])
		r.end, r.err = r.end+n, err
		if n > 0 || err != nil {
			return
		}
	}
	r.err = io.ErrNoProgress
}
