package top

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTextIsCutByItsWidth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"short", 8, "short"}, {"exactly8", 8, "exactly8"}, {"longer than", 8, "longer …"}, {"支払い失敗", 8, "支払い…"}, {"支払い失敗", 10, "支払い失敗"}, {"支払い", 5, "支払…"},
		{"e\u0301e\u0301e\u0301", 2, "e\u0301…"}, {"a\x1b[31mb", 20, `a\x1b[31mb`}, {"a\u202eb", 20, `a\u202eb`}, {"a\nb\tc", 9, "a b c"}, {"\xff", 9, `\xff`}, {"x", 0, ""}, {"支", 1, "…"},
		{"\u0301", 3, " \u0301"}, {strings.Repeat("x", 1<<20), 4, "xxx…"},
	} {
		canvas := newCanvas(20, 1)
		canvas.put(0, 0, c.width, c.text, plain)
		if got := wholesome(t, canvas); got != c.want {
			t.Errorf("%.40q in %d: %q; want %q", c.text, c.width, got, c.want)
		}
	}
}

func TestTextIsBrokenIntoLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text        string
		width, most int
		want        string
	}{
		{"one two three", 8, 5, "one two|three"}, {"one\ntwo", 8, 5, "one|two"}, {"averylongword", 5, 5, "avery|longw|ord"}, {"支払い失敗", 5, 5, "支払|い失|敗"}, {"支", 1, 3, "支"},
		{"a b c d e f", 3, 2, "a b|c …"}, {"", 5, 5, ""}, {"a\n\nb", 5, 5, "a||b"}, {"x\x1by", 9, 5, `x\x1by`},
	} {
		if got := strings.Join(wrap(c.text, c.width, c.most), "|"); got != c.want {
			t.Errorf("%q in %d: %q; want %q", c.text, c.width, got, c.want)
		}
	}
}

func TestIDsAreCutInTheMiddle(t *testing.T) {
	t.Parallel()
	c := newCanvas(16, 1)
	c.middle(0, 0, 16, "01a226cd-a168-731a-bb64-ed2d258a740b", plain)
	if got := wholesome(t, c); got != "01a226…58a740b" && got != "01a226…d258a740b"[:len("01a226…d258a740b")] {
		t.Errorf("got %q", got)
	}
}

// TestHalvesOfWideCharactersDoNotStay where a window covers the other half.
func TestHalvesOfWideCharactersDoNotStay(t *testing.T) {
	t.Parallel()
	for x := range 8 {
		c := newCanvas(10, 3)
		for y := range 3 {
			c.put(0, y, 10, "支払い失敗", plain)
		}
		c.put(x, 1, 2, "ab", plain)
		c.clear(x, 2, 2, 1)
		wholesome(t, c)
	}
}

// FuzzPut: whatever the text, it stays in its place and a terminal obeys nothing of it.
func FuzzPut(f *testing.F) {
	for _, text := range []string{"a", "\x1b[2J", "支払い", "e\u0301", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👩‍👩‍👧", "\u200b\u202e", "\xff\xfe", "🇩🇪🇫", strings.Repeat("\u0301", 99), "\u1100\u1161\u11a8", "ﷺ"} {
		f.Add(text, 3, 5)
	}
	f.Fuzz(func(t *testing.T, text string, x, most int) {
		c := newCanvas(12, 2)
		x = max(x%14, 0)
		if end := c.put(x, 0, most, text, plain); end > max(x, min(12, x+max(most, 0))) {
			t.Errorf("%q ends at %d", text, end)
		}
		c.middle(0, 1, 12, text, plain)
		if out := wholesome(t, c); !utf8.ValidString(out) {
			t.Errorf("%q", out)
		}
		if lines := wrap(text, 7, 4); len(lines) > 4 {
			t.Errorf("%d lines", len(lines))
		} else {
			for _, line := range lines {
				if n := widthOf(line, 99); n > 8 {
					t.Errorf("a line is %d wide: %q", n, line)
				}
			}
		}
	})
}
