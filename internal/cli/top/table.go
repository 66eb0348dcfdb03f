package top

// column is one of a table. Its cells are as wide as width says, and wider by their share of what
// is left over.
type column struct {
	title string
	width int
	share int  // of what is left over; 0: none
	most  int  // wider it does not get; 0: as wide as there is room
	right bool // aligned so, as numbers are
	ids   bool // what is too long is cut in the middle
	rank  int  // where it is narrow, the highest goes first; 0: it stays
}

// field is a cell of a table.
type field struct {
	text  string
	style style
}

// table is columns in a box of a width.
type table struct {
	columns []column
	widths  []int // 0: it is left out
	gap     int
}

func layout(columns []column, width int) *table {
	t := &table{columns: columns, widths: make([]int, len(columns)), gap: 2}
	if width < 100 {
		t.gap = 1
	}
	for i, c := range columns {
		t.widths[i] = c.width
	}
	for t.width() > width {
		last := -1
		for i, c := range columns {
			if t.widths[i] > 0 && c.rank > 0 && (last < 0 || c.rank > columns[last].rank) {
				last = i
			}
		}
		if last < 0 {
			break
		}
		t.widths[last] = 0
	}
	t.grow(width - t.width())
	return t
}

// grow shares out what is left over, cell by cell, so that nothing of it is lost.
func (t *table) grow(left int) {
	for grown := true; left > 0 && grown; {
		grown = false
		for i, c := range t.columns {
			for range c.share {
				if t.widths[i] == 0 || left == 0 || c.most > 0 && t.widths[i] >= c.most {
					continue
				}
				t.widths[i]++
				left--
				grown = true
			}
		}
	}
}

func (t *table) width() int {
	all := -t.gap
	for _, w := range t.widths {
		if w > 0 {
			all += w + t.gap
		}
	}
	return max(all, 0)
}

// head writes the titles.
func (t *table) head(c *canvas, x, y int) {
	fields := make([]field, len(t.columns))
	for i, col := range t.columns {
		fields[i] = field{col.title, style{dim: true, bold: true}}
	}
	t.row(c, x, y, fields, false)
}

// row writes a row, which may be chosen.
func (t *table) row(c *canvas, x, y int, fields []field, chosen bool) {
	if chosen {
		c.fill(x, y, c.width-x-1, marked)
	}
	for i, col := range t.columns {
		w := t.widths[i]
		if w == 0 {
			continue
		}
		if i < len(fields) {
			switch s := fields[i].style.on(chosen); {
			case col.right:
				c.right(x+w, y, w, fields[i].text, s)
			case col.ids:
				c.middle(x, y, w, fields[i].text, s)
			default:
				c.put(x, y, w, fields[i].text, s)
			}
		}
		x += w + t.gap
	}
}
