package jobjson_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/drayhorse/drayhorse/internal/jobjson"
)

// FuzzLines: all that is read is handed on, line by line and once, however it comes in.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nbb\r\n\n"), uint8(4), false)
	f.Add([]byte("no end"), uint8(0), true)
	f.Add([]byte("\n\n"), uint8(20), true)
	f.Fuzz(func(t *testing.T, text []byte, longest uint8, bytewise bool) {
		var in io.Reader = bytes.NewReader(text)
		if bytewise {
			in = iotest.OneByteReader(in)
		}
		lines := jobjson.NewLines(in, int(longest))
		var read []byte
		for n := 1; ; n++ {
			line, err := lines.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || line.Number != n || lines.Number() != n {
				t.Fatalf("line %d is %+v, %v", n, line, err)
			}
			whole := bytes.Clone(line.Text)
			if err := lines.Rest(line, func(part []byte) error { whole = append(whole, part...); return nil }); err != nil {
				t.Fatal(err)
			}
			if i := bytes.IndexByte(whole, '\n'); line.Size != int64(len(whole)) || i >= 0 && i != len(whole)-1 {
				t.Errorf("line %d of size %d is %q", n, line.Size, whole)
			}
			read = append(read, whole...)
		}
		if !bytes.Equal(read, text) {
			t.Errorf("%q was read as %q", text, read)
		}
	})
}
