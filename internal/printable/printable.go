// Package printable decides what text from elsewhere may look like on a terminal
// and in a log. Arguments, results, errors and names come from whoever can enqueue a
// job; a terminal obeys what is in them, and a person believes what he sees.
//
// Printable are letters, marks, digits, punctuation, symbols and spaces of Unicode.
// Everything else is escaped: control characters (of C0 and C1, and DEL), those that
// turn the direction of text round, those that are not seen at all (of no width,
// fillers, variation selectors, tags), private and unassigned ones, and bytes that
// are not UTF-8. Text is stored as it came, and made printable where it is shown.
package printable

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clip keeps a message readable that quotes a text of any length: of more than most bytes it
// gives the first, and three dots.
func Clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

// Head cuts s to at most n bytes (0 or more), between characters.
func Head(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// Text gives s as it is shown within a line: tabs and ends of lines are spaces, other
// characters that are not printable are escaped as Go writes them (\x1b, \u202e,
// \U000e0041), and so are bytes that are not UTF-8 (\xff). Text of Text is the same.
func Text(s string) string {
	return escape(s, func(b *strings.Builder, r rune, bytes string) {
		if r == '\t' || r == '\n' || r == '\r' {
			b.WriteByte(' ')
			return
		}
		writeEscape(b, r, bytes)
	})
}

// Lines gives s as it is shown in many lines: as Text, but tabs and ends of lines stay.
func Lines(s string) string {
	return escape(s, func(b *strings.Builder, r rune, bytes string) {
		if r == '\t' || r == '\n' {
			b.WriteString(bytes)
			return
		}
		writeEscape(b, r, bytes)
	})
}

// writeEscape writes a character as Go escapes it.
func writeEscape(b *strings.Builder, r rune, bytes string) {
	switch {
	case r < utf8.RuneSelf || r == utf8.RuneError && len(bytes) == 1:
		fmt.Fprintf(b, `\x%02x`, bytes[0])
	case r <= 0xffff:
		fmt.Fprintf(b, `\u%04x`, r)
	default:
		fmt.Fprintf(b, `\U%08x`, r)
	}
}

// JSON gives encoded JSON in which what is not printable is escaped, as JSON escapes
// it: it means the same, but for bytes that are not UTF-8, which become U+FFFD. What
// encoders escape themselves, the characters below U+0020, is left alone: between
// values it is white space.
func JSON(encoded string) string {
	return escape(encoded, func(b *strings.Builder, r rune, bytes string) {
		switch {
		case r < ' ':
			b.WriteString(bytes)
		case r <= 0xffff:
			fmt.Fprintf(b, `\u%04x`, r)
		default: // as two halves
			r -= 0x10000
			fmt.Fprintf(b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		}
	})
}

// JSONWriter gives a writer that writes [JSON] of what is written to it. Each Write
// must be given whole characters, as encoders do.
func JSONWriter(w io.Writer) io.Writer { return &jsonWriter{w} }

type jsonWriter struct{ to io.Writer }

func (w *jsonWriter) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.to, JSON(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// escape replaces what is not printable: write is given the rune, and the bytes that
// it stands for.
func escape(s string, write func(b *strings.Builder, r rune, bytes string)) string {
	var b strings.Builder
	done := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if !is(r) || r == utf8.RuneError && size == 1 {
			b.WriteString(s[done:i])
			write(&b, r, s[i:i+size])
			done = i + size
		}
		i += size
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// unseen are characters that Unicode counts among letters, marks and symbols and that
// leave no trace.
var unseen = []*unicode.RangeTable{
	unicode.Other_Default_Ignorable_Code_Point, // fillers, joiners
	unicode.Variation_Selector,
	{R16: []unicode.Range16{{Lo: 0x2800, Hi: 0x2800, Stride: 1}}}, // a braille cell without dots
}

// is reports whether a character is printable.
func is(r rune) bool {
	if r < 0x7f {
		return r >= ' '
	}
	return unicode.IsGraphic(r) && !unicode.In(r, unseen...)
}
