package jobjson_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/drayhorse/drayhorse/internal/jobjson"
)

func TestLines(t *testing.T) {
	t.Parallel()
	lines := jobjson.NewLines(strings.NewReader("one\r\n\n"+strings.Repeat("x", 100)+"\nlast"), 16) // bufio's least
	var got []string
	for {
		l, err := lines.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Clone(string(l.Text))
		if err := lines.Rest(l, func(part []byte) error { text += string(part); return nil }); err != nil {
			t.Fatal(err)
		}
		if int(l.Size) != len(text) || l.Number != len(got)+1 || l.Blank() != (text == "\n") {
			t.Errorf("line %d of %d bytes is %q", l.Number, l.Size, text)
		}
		got = append(got, text)
	}
	want := []string{"one\r\n", "\n", strings.Repeat("x", 100) + "\n", "last"}
	if strings.Join(got, "|") != strings.Join(want, "|") || lines.Number() != 4 {
		t.Errorf("got %q; want %q", got, want)
	}
}

func TestALineThatFillsTheBufferMayBeTheLast(t *testing.T) {
	t.Parallel()
	lines := jobjson.NewLines(iotest.OneByteReader(strings.NewReader(strings.Repeat("x", 16))), 15)
	l, err := lines.Next()
	if err != nil || !l.More {
		t.Fatalf("%+v, %v", l, err)
	}
	if err := lines.Rest(l, func([]byte) error { return nil }); err != nil || l.Size != 16 {
		t.Errorf("%d bytes, %v", l.Size, err)
	}
}

func TestALineThatBreaksOffIsNone(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	lines := jobjson.NewLines(io.MultiReader(strings.NewReader("one\ntw"), iotest.ErrReader(broken)), 100)
	if l, err := lines.Next(); err != nil || string(l.Text) != "one\n" {
		t.Errorf("%v", err)
	}
	if lines.Ready() {
		t.Error("a part of a line is ready")
	}
	if l, err := lines.Next(); !errors.Is(err, broken) || lines.Number() != 1 {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestOnlyWholeLinesAreReady(t *testing.T) {
	t.Parallel()
	in, out := io.Pipe()
	defer out.Close()
	lines := jobjson.NewLines(in, 100)
	go func() { _, _ = io.WriteString(out, "one\ntwo\nth") }()
	if _, err := lines.Next(); err != nil || !lines.Ready() {
		t.Errorf("%v", err)
	}
	if _, err := lines.Next(); err != nil || lines.Ready() {
		t.Errorf("%v", err)
	}
}
