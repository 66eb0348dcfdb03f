package handlers

import (
	"bytes"
	"strings"
)

// capped keeps what is written up to a limit, calls over once at more, and then
// refuses to take any.
type capped struct {
	limit int
	over  func()

	kept     bytes.Buffer
	overflow bool
}

func (c *capped) Write(p []byte) (int, error) {
	if c.kept.Len()+len(p) > c.limit {
		if !c.overflow {
			c.overflow = true
			c.over()
		}
		return 0, errOutput
	}
	return c.kept.Write(p)
}

func (c *capped) String() string { return c.kept.String() }

// full reports whether there was more than the limit.
func (c *capped) full() bool { return c.overflow }

// tail keeps the last bytes of what is written.
type tail struct {
	limit int

	kept []byte
	cut  bool
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p[max(0, len(p)-t.limit):]...)
	if over := len(t.kept) - t.limit; over > 0 || len(p) > t.limit {
		t.cut = true
		t.kept = append(t.kept[:0], t.kept[max(0, over):]...)
	}
	return len(p), nil
}

// String gives the tail as one text without space around it.
func (t *tail) String() string {
	text := strings.TrimSpace(printable(t.kept))
	if t.cut {
		return "..." + text
	}
	return text
}

// printable makes text of bytes from outside: valid UTF-8 without NUL.
func printable(b []byte) string {
	return strings.ReplaceAll(strings.ToValidUTF8(string(b), "\uFFFD"), "\x00", "\uFFFD")
}
