package printable_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/drayhorse/drayhorse/internal/printable"
)

func TestTextOfStrangersIsEscaped(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "",
		"Grüße, 世界! a\u0301 שלום 👍 \\x1b \"'": "Grüße, 世界! a\u0301 שלום 👍 \\x1b \"'",
		"a\nb\tc\r\nd":                    "a b c  d",
		"\x1b[2J\x1b]0;title\a":           `\x1b[2J\x1b]0;title\x07`,
		"\x00\b\v\f\x7f":                  `\x00\x08\x0b\x0c\x7f`,
		"\u009b2J \u0085":                 `\u009b2J \u0085`, // C1: CSI and NEL in one character
		"\x9b2J \xff\xe2\x80":             `\x9b2J \xff\xe2\x80`,
		"user\u202egnp.exe\u2066\u200f":   `user\u202egnp.exe\u2066\u200f`,
		"pay\u200bpal \u200d\u2060\ufeff": `pay\u200bpal \u200d\u2060\ufeff`,
		"a\u00adb\u034f\u061c\u180e":      `a\u00adb\u034f\u061c\u180e`,
		"\u3164\u115f\uffa0\u2800":        `\u3164\u115f\uffa0\u2800`,
		"\ufe0f\U000e0041\U000e0100":      `\ufe0f\U000e0041\U000e0100`,
		"\u2028\u2029\ue000\uffff":        `\u2028\u2029\ue000\uffff`,
		"a\u00a0b\u3000c\ufffd":           "a\u00a0b\u3000c\ufffd",
	} {
		if got := printable.Text(text); got != want {
			t.Errorf("%q: got %s; want %s", text, got, want)
		}
	}
}

func TestLinesKeepTheirEnds(t *testing.T) {
	t.Parallel()
	const text = "a\n\tb\r\n\u202ec\x1b\xff\U000e0041 世界"
	if got, want := printable.Lines(text), "a\n\tb\\x0d\n\\u202ec\\x1b\\xff\\U000e0041 世界"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
}

func TestEscapedJSONMeansTheSame(t *testing.T) {
	t.Parallel()
	const text = "{\n  \"a\x7f\": \"\u009b2J \u202e\u200b\U000e0041 世界 👍\"\n}\n"
	const want = "{\n  \"a\\u007f\": \"\\u009b2J \\u202e\\u200b\\udb40\\udc41 世界 👍\"\n}\n"
	got := printable.JSON(text)
	if got != want {
		t.Errorf("got %s; want %s", got, want)
	}
	var before, after map[string]string
	if err := json.Unmarshal([]byte(text), &before); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(got), &after); err != nil || before["a\x7f"] != after["a\x7f"] {
		t.Errorf("%q became %q: %v", before, after, err)
	}
	if got := printable.JSON("\"\x9b\""); got != `"\ufffd"` {
		t.Errorf("a byte that is not UTF-8 is written as %s", got)
	}
}

func TestWriterTakesAllOrFails(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	const text = "\"\u202e\"\n"
	if n, err := printable.JSONWriter(&b).Write([]byte(text)); n != len(text) || err != nil || b.String() != `"\u202e"`+"\n" {
		t.Errorf("wrote %q: %d, %v", b.String(), n, err)
	}
	r, w := io.Pipe()
	_ = r.Close()
	if n, err := printable.JSONWriter(w).Write([]byte(text)); n != 0 || err == nil {
		t.Errorf("a writer that is closed: %d, %v", n, err)
	}
}

// FuzzText: whatever comes, a line of printable characters leaves, and JSON keeps its
// meaning.
func FuzzText(f *testing.F) {
	f.Add("\x1b[2J")
	f.Add("a\u202eb\u009b\xff")
	f.Add("\U000e0041\u3164\ufe0f\n")
	f.Fuzz(func(t *testing.T, s string) {
		text := printable.Text(s)
		check(t, text, false)
		if again := printable.Text(text); again != text {
			t.Errorf("%q becomes %q, and then %q", s, text, again)
		}
		if !utf8.ValidString(s) {
			return
		}
		encoded, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		shown := printable.JSON(string(encoded))
		check(t, shown, true)
		var back string
		if err := json.Unmarshal([]byte(shown), &back); err != nil || back != s {
			t.Errorf("%q became %q: %v", s, back, err)
		}
	})
}

// check asks for no character of the kinds that terminals obey or that nobody sees.
func check(t *testing.T, text string, spaces bool) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("%q is not UTF-8", text)
	}
	for _, r := range text {
		if spaces && (r == '\n' || r == '\t' || r == '\r') {
			continue
		}
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp, unicode.Variation_Selector,
			unicode.Bidi_Control, unicode.Join_Control, unicode.Other_Default_Ignorable_Code_Point) {
			t.Errorf("%q has %U", text, r)
		}
	}
}

func TestCutsAreBetweenCharacters(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text       string
		most       int
		clip, head string
	}{
		{"", 0, "", ""}, {"abc", 3, "abc", "abc"}, {"abcd", 3, "abc...", "abc"}, {"aä", 2, "a...", "a"},
		{"ä", 1, "...", ""}, {"abc", 0, "...", ""}, {"日本", 5, "日...", "日"},
	} {
		if got := printable.Clip(c.text, c.most); got != c.clip {
			t.Errorf("Clip(%q, %d) = %q, want %q", c.text, c.most, got, c.clip)
		}
		if got := printable.Head(c.text, c.most); got != c.head {
			t.Errorf("Head(%q, %d) = %q, want %q", c.text, c.most, got, c.head)
		}
	}
}
