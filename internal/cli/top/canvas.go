package top

import (
	"slices"
	"strings"

	"github.com/rivo/uniseg"

	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// style is how text looks. Without colours it is bold, dim, underlined or reversed all the same.
type style struct {
	colour                    cli.Colour
	bold, dim, reverse, under bool
}

// The styles of more than one place.
var (
	plain  = style{}
	strong = style{bold: true}
	faint  = style{dim: true}
	marked = style{reverse: true}
)

func in(c cli.Colour) style { return style{colour: c} }

// on gives the style on a row that is chosen or not.
func (s style) on(chosen bool) style {
	if chosen {
		return style{reverse: true, bold: s.bold}
	}
	return s
}

// cell is one place of the screen. What is two places wide has an empty cell behind it.
type cell struct {
	text  string
	style style
}

// canvas is what is to be shown. It holds nothing but printable text: put lets nothing else in.
type canvas struct {
	width, height int
	cells         []cell
}

func newCanvas(width, height int) *canvas {
	c := &canvas{width: max(width, 1), height: max(height, 1)}
	c.cells = make([]cell, c.width*c.height)
	for i := range c.cells {
		c.cells[i].text = " "
	}
	return c
}

// Of one cell: marks that are piled on one letter are cut.
const maxCellBytes = 32

// put writes text that may come from anywhere into a line, at most so wide, and gives where it
// ends. What is too long ends with "…".
func (c *canvas) put(x, y, most int, text string, s style) int {
	most = min(most, c.width-x)
	if y < 0 || y >= c.height || x < 0 || most <= 0 {
		return x
	}
	parts, cut := split(text, most)
	for _, p := range parts {
		c.set(x, y, cell{p.text, s}, p.width)
		x += p.width
	}
	if cut {
		c.set(x, y, cell{"…", s}, 1)
		x++
	}
	return x
}

// set writes one cell, or two. Of what is two cells wide and was there before, the half that is
// not covered is emptied.
func (c *canvas) set(x, y int, one cell, width int) {
	line := c.cells[y*c.width : (y+1)*c.width]
	if line[x].text == "" {
		line[x-1].text = " "
	}
	if end := x + width; end < c.width && line[end].text == "" {
		line[end].text = " "
	}
	line[x] = one
	if width == 2 {
		line[x+1] = cell{"", one.style}
	}
}

// middle writes text of which, where it is too long, the end is shown too: IDs that were made one
// after the other begin alike.
func (c *canvas) middle(x, y, most int, text string, s style) {
	if _, cut := split(text, most); !cut || most < 10 {
		c.put(x, y, most, text, s)
		return
	}
	tail, room := []string{}, most-7
	for _, one := range backwards(text) {
		if room -= widthOf(one, most); room < 0 {
			break
		}
		tail = append([]string{one}, tail...)
	}
	x = c.put(x, y, 7, text, s)
	c.put(x, y, most-7, strings.Join(tail, ""), s)
}

// backwards gives the last characters of a text, the last in front.
func backwards(text string) []string {
	all := characters(printable.Text(text[max(0, len(text)-256):]))
	slices.Reverse(all)
	return all
}

// right writes text that ends before x, as numbers do.
func (c *canvas) right(x, y, most int, text string, s style) {
	c.put(max(x-most, x-widthOf(text, most)), y, most, text, s)
}

// fill gives a stretch of a line a style.
func (c *canvas) fill(x, y, width int, s style) {
	for i := max(x, 0); i < min(x+width, c.width) && y >= 0 && y < c.height; i++ {
		c.cells[y*c.width+i].style = s
	}
}

// clear empties a box.
func (c *canvas) clear(x, y, width, height int) {
	for row := max(y, 0); row < min(y+height, c.height); row++ {
		for i := max(x, 0); i < min(x+width, c.width); i++ {
			c.set(i, row, cell{text: " "}, 1)
		}
	}
}

// line gives a line as text.
func (c *canvas) line(y int) string {
	var b strings.Builder
	for _, one := range c.cells[y*c.width : (y+1)*c.width] {
		b.WriteString(one.text)
	}
	return strings.TrimRight(b.String(), " ")
}

// text gives all lines.
func (c *canvas) text() string {
	lines := make([]string, c.height)
	for y := range lines {
		lines[y] = c.line(y)
	}
	return strings.Join(lines, "\n")
}

// part is what stands in one cell, or two.
type part struct {
	text  string
	width int
}

// split gives the characters of text that fit into a width, printable; cut says that there
// are more, for which the last place is left.
func split(text string, width int) (parts []part, cut bool) {
	at := 0
	// Of a text of any length only as much is looked at as could fit.
	short := printable.Head(text, (width+1)*maxCellBytes)
	for g := uniseg.NewGraphemes(printable.Text(short)); g.Next(); {
		p := part{printable.Head(g.Str(), maxCellBytes), g.Width()}
		if p.width == 0 { // a mark without a letter
			p = part{printable.Head(" "+p.text, maxCellBytes), 1}
		}
		p.width = min(p.width, 2)
		if at+p.width > width {
			cut = true
			break
		}
		parts, at = append(parts, p), at+p.width
	}
	cut = cut || len(short) < len(text)
	for cut && len(parts) > 0 && at >= width {
		at -= parts[len(parts)-1].width
		parts = parts[:len(parts)-1]
	}
	return parts, cut
}

// widthOf gives how wide text is, up to most.
func widthOf(text string, most int) int {
	parts, cut := split(text, most)
	n := 0
	for _, p := range parts {
		n += p.width
	}
	if cut {
		n++
	}
	return n
}

// wrap breaks text into lines of a width, at most so many; what does not fit ends with "…".
// Ends of lines in it stay.
func wrap(text string, width, most int) (lines []string) {
	width = max(width, 1)
	for paragraph := range strings.Lines(text) {
		rest := printable.Text(printable.Head(strings.TrimRight(paragraph, "\r\n"), width*most*maxCellBytes))
		for first := true; first || rest != ""; first = false {
			if len(lines) == most {
				lines[most-1] = clip(lines[most-1], width-1) + "…"
				return lines
			}
			head := breakAt(rest, width)
			lines = append(lines, strings.TrimRight(head, " "))
			rest = rest[len(head):]
		}
	}
	return lines
}

// breakAt gives the beginning of text that goes into a line: up to a space, if there is one not
// too far in front.
func breakAt(text string, width int) string {
	end, at, space := 0, 0, 0
	for g := uniseg.NewGraphemes(text); g.Next(); {
		w := max(g.Width(), 1)
		if at+w > width {
			if g.Str() == " " {
				return text[:end+1]
			}
			if space > end/2 {
				return text[:space]
			}
			if end == 0 {
				return g.Str() // it is wider than the line
			}
			return text[:end]
		}
		_, end = g.Positions()
		at += w
		if g.Str() == " " {
			space = end
		}
	}
	return text
}

func clip(text string, width int) string {
	var b strings.Builder
	for g := uniseg.NewGraphemes(text); g.Next(); {
		if width -= max(g.Width(), 1); width < 0 {
			break
		}
		b.WriteString(g.Str())
	}
	return b.String()
}
