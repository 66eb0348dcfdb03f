package top

import (
	"strings"

	"github.com/rivo/uniseg"

	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// maxTyped is how many bytes may be typed.
const maxTyped = 1024

// editor is a line that somebody types.
type editor struct {
	title string
	hint  string
	text  []string // characters
	at    int
	// check says what is wrong with the text, and at which byte; "": nothing.
	check func(text string) (problem string, at int)
	// offer gives what the text in front of the cursor may become; nil: nobody knows.
	offer   func(before string, m *model) []string
	offered []string                    // for the last Tab, as far as they differ from what is typed
	take    func(text string, m *model) // after Enter
	drop    func(m *model)              // after Esc; nil: nothing
}

func edit(title, hint, text string, take func(text string, m *model)) *editor {
	e := &editor{title: title, hint: hint, take: take}
	e.insert(text)
	return e
}

func (e *editor) value() string { return strings.Join(e.text, "") }

// insert types text. Ends of lines are spaces.
func (e *editor) insert(text string) {
	room := maxTyped - len(e.value())
	text = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == '\t' {
			return ' '
		}
		return r
	}, printable.Head(strings.ToValidUTF8(text, "\uFFFD"), max(room, 0)))
	head, tail := strings.Join(e.text[:e.at], "")+text, strings.Join(e.text[e.at:], "")
	e.text = append(characters(head), characters(tail)...)
	e.at = len(characters(head))
}

func characters(text string) (all []string) {
	for g := uniseg.NewGraphemes(text); g.Next(); {
		all = append(all, g.Str())
	}
	return all
}

func (e *editor) press(k key, m *model) {
	e.offered = nil
	switch k {
	case "enter":
		if e.check != nil {
			if problem, _ := e.check(e.value()); problem != "" {
				return
			}
		}
		m.edit = nil
		e.take(e.value(), m)
	case "esc", "ctrl+c":
		if m.edit = nil; e.drop != nil {
			e.drop(m)
		}
	case "left":
		e.at = max(e.at-1, 0)
	case "right":
		e.at = min(e.at+1, len(e.text))
	case "home", "ctrl+a":
		e.at = 0
	case "end", "ctrl+e":
		e.at = len(e.text)
	case "backspace":
		if e.at > 0 {
			e.cut(e.at-1, e.at)
		}
	case "delete":
		if e.at < len(e.text) {
			e.cut(e.at, e.at+1)
		}
	case "tab":
		if e.offer != nil {
			e.complete(m)
		}
	case "ctrl+u":
		e.cut(0, e.at)
	case "ctrl+k":
		e.cut(e.at, len(e.text))
	case "ctrl+w":
		from := e.at
		for from > 0 && e.text[from-1] == " " {
			from--
		}
		for from > 0 && e.text[from-1] != " " {
			from--
		}
		e.cut(from, e.at)
	default:
		if len(characters(string(k))) == 1 {
			e.insert(string(k))
		}
	}
}

// complete types what all that is offered has in common, and shows what is offered.
func (e *editor) complete(m *model) {
	before := strings.Join(e.text[:e.at], "")
	all := e.offer(before, m)
	if len(all) == 0 {
		return
	}
	common := all[0]
	for _, one := range all[1:] {
		n := 0
		for n < min(len(common), len(one)) && common[n] == one[n] {
			n++
		}
		common = common[:n]
	}
	if len(common) >= len(before) && len(common)+len(e.value())-len(before) <= maxTyped {
		e.cut(0, e.at)
		e.insert(common)
	}
	if len(all) > 1 {
		from := strings.LastIndexByte(before, ' ') + 1
		for _, one := range all {
			e.offered = append(e.offered, one[from:])
		}
	}
}

// cut takes characters out, and goes to where they were.
func (e *editor) cut(from, to int) {
	e.text = append(append([]string{}, e.text[:from]...), e.text[to:]...)
	e.at = from
}

// draw draws it as a box in the middle.
func (e *editor) draw(c *canvas) {
	lines := 3
	b := window(c, min(c.width-4, 90), lines+2, e.title)
	// What is left of the cursor fits, and what is right of it as far as there is room.
	first := 0
	for first < e.at && widthOf(strings.Join(e.text[first:e.at], ""), b.width+1) >= b.width {
		first++
	}
	before := strings.Join(e.text[first:e.at], "")
	x := c.put(b.x, b.y, b.width, before, plain)
	at, rest := " ", ""
	if e.at < len(e.text) {
		at, rest = e.text[e.at], strings.Join(e.text[e.at+1:], "")
	}
	x = c.put(x, b.y, max(b.x+b.width-x, 1), at, marked)
	c.put(x, b.y, b.x+b.width-x, rest, plain)
	problem, pos := "", 0
	if e.check != nil {
		problem, pos = e.check(e.value())
	}
	if problem == "" || len(e.offered) > 0 {
		text, s := e.hint, faint
		if len(e.offered) > 0 {
			text, s = strings.Join(e.offered, "  "), plain
		}
		for i, line := range wrap(text, b.width, 2) {
			c.put(b.x, b.y+1+i, b.width, line, s)
		}
		return
	}
	shown := strings.Join(e.text[:first], "")
	if text := e.value(); pos <= len(text) {
		under := widthOf(text[min(len(shown), pos):pos], b.width)
		c.put(b.x+min(under, b.width-1), b.y+1, 1, "^", in(cli.Red))
	}
	c.put(b.x, b.y+2, b.width, problem, in(cli.Red))
}
