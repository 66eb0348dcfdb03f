package cli

import (
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/rivo/uniseg"

	"github.com/drayhorse/drayhorse/internal/printable"
)

// Colour is how a cell is shown on a terminal.
type Colour string

// The colours, as terminals know them.
const (
	Plain  Colour = ""
	Bold   Colour = "1"
	Dim    Colour = "2"
	Red    Colour = "31"
	Green  Colour = "32"
	Yellow Colour = "33"
	Blue   Colour = "34"
	Cyan   Colour = "36"
)

// Cell is one field of a table.
type Cell struct {
	Text   string
	Colour Colour
	Right  bool // aligned to the right, as numbers are
}

// Table is rows for people. Programs get JSON.
type Table struct {
	rows   [][]Cell
	headed bool
}

// NewTable makes a table with a header.
func NewTable(header ...string) *Table {
	t := &Table{headed: true}
	cells := make([]Cell, len(header))
	for i, text := range header {
		cells[i] = Cell{Text: text, Colour: Bold}
	}
	t.Row(cells...)
	return t
}

// Row adds a row. What the cells say may come from anywhere, and is made printable.
func (t *Table) Row(cells ...Cell) {
	for i := range cells {
		cells[i].Text = printable.Text(cells[i].Text)
	}
	t.rows = append(t.rows, cells)
}

// Write writes the table.
func (t *Table) Write(w io.Writer, coloured bool) error {
	widths := t.widths()
	var b strings.Builder
	for _, row := range t.rows {
		line := make([]string, len(row))
		for i, c := range row {
			painted := Paint(c.Text, c.Colour, coloured)
			padding := strings.Repeat(" ", widths[i]-uniseg.StringWidth(c.Text))
			if c.Right || t.isRight(i) {
				line[i] = padding + painted
			} else {
				line[i] = painted + padding
			}
		}
		b.WriteString(strings.TrimRight(strings.Join(line, "  "), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// isRight aligns a header with what is below it.
func (t *Table) isRight(column int) bool {
	last := t.rows[len(t.rows)-1]
	return column < len(last) && last[column].Right
}

func (t *Table) widths() []int {
	var widths []int
	for _, row := range t.rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], uniseg.StringWidth(c.Text))
		}
	}
	return widths
}

// isEmpty reports whether there is nothing but a header.
func (t *Table) isEmpty() bool { return len(t.rows) == 0 || len(t.rows) == 1 && t.headed }

// writeNames writes the first column.
func (t *Table) writeNames(w io.Writer) error {
	var b strings.Builder
	for i, row := range t.rows {
		if i > 0 || !t.headed {
			b.WriteString(row[0].Text + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// narrowest is how narrow a column may get.
const narrowest = 5

// fit makes the table as narrow as a terminal of that width; 0 is as wide as it is. It
// leaves out columns of zeros first, and then cuts the widest column again and again; those
// of words in colours, such as states, only where nothing else is left to cut.
func (t *Table) fit(width int) {
	if width == 0 {
		return
	}
	for column := len(t.widths()) - 1; column > 0 && t.width() > width; column-- {
		if t.isZero(column) {
			for i, row := range t.rows {
				t.rows[i] = slices.Delete(slices.Clone(row), column, column+1)
			}
		}
	}
	widths := t.widths()
	for over := t.width() - width; over > 0; over-- {
		widest := t.widest(widths, func(column int) bool { return !t.isWord(column) })
		if widest < 0 {
			widest = t.widest(widths, func(int) bool { return true })
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	for _, row := range t.rows {
		for i := range row {
			row[i].Text = cut(row[i].Text, widths[i])
		}
	}
}

// widest gives the widest of some columns; -1 if they are as narrow as they may get.
func (t *Table) widest(widths []int, of func(column int) bool) int {
	widest := -1
	for i, w := range widths {
		if w > narrowest && of(i) && (widest < 0 || w > widths[widest]) {
			widest = i
		}
	}
	return widest
}

// isWord reports whether a column has words in colours.
func (t *Table) isWord(column int) bool {
	return slices.ContainsFunc(t.rows[1:], func(row []Cell) bool {
		return column < len(row) && row[column].Colour != Plain && !row[column].Right
	})
}

// isZero reports whether a column says nothing: it holds zeros alone, or no text.
func (t *Table) isZero(column int) bool {
	for i, row := range t.rows {
		if (i > 0 || !t.headed) && column < len(row) && row[column].Text != "0" && row[column].Text != "" {
			return false
		}
	}
	return t.headed
}

// width is that of the longest line.
func (t *Table) width() int {
	all := -2
	for _, w := range t.widths() {
		all += w + 2
	}
	return all
}

// made is an ID that was made, not given: those of one time begin alike.
var made = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// cut cuts text to a width.
func cut(text string, width int) string {
	if uniseg.StringWidth(text) <= width {
		return text
	}
	if made.MatchString(text) {
		end := (width - 1) * 2 / 3
		return text[:width-1-end] + "…" + text[len(text)-end:]
	}
	var b strings.Builder
	left := width - 1
	for g := uniseg.NewGraphemes(text); g.Next(); {
		if left -= g.Width(); left < 0 {
			break
		}
		b.WriteString(g.Str())
	}
	return b.String() + "…"
}

// Paint gives text in a colour.
func Paint(text string, c Colour, coloured bool) string {
	if !coloured || c == Plain {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}
