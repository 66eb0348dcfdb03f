package cli

import (
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
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
	rows [][]Cell
}

// NewTable makes a table with a header.
func NewTable(header ...string) *Table {
	t := &Table{}
	cells := make([]Cell, len(header))
	for i, text := range header {
		cells[i] = Cell{Text: text, Colour: Bold}
	}
	t.Row(cells...)
	return t
}

// Row adds a row. What the cells say may come from anywhere: control characters
// are taken out, so that they cannot steer the terminal.
func (t *Table) Row(cells ...Cell) {
	for i := range cells {
		cells[i].Text = Printable(cells[i].Text)
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
			padding := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.Text))
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
			widths[i] = max(widths[i], utf8.RuneCountInString(c.Text))
		}
	}
	return widths
}

// Paint gives text in a colour.
func Paint(text string, c Colour, coloured bool) string {
	if !coloured || c == Plain {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// Printable replaces control characters by spaces.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}
