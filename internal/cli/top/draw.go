package top

import (
	"fmt"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/board"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/figures"
)

// Of the screen.
const (
	leastWidth  = 40
	leastHeight = 10
)

// draw draws everything.
func (m *model) draw() *canvas {
	c := newCanvas(m.width, m.height)
	if m.width < leastWidth || m.height < leastHeight {
		c.put(0, 0, m.width, fmt.Sprintf("%dx%d is too small", m.width, m.height), plain)
		c.put(0, 1, m.width, fmt.Sprintf("want %dx%d", leastWidth, leastHeight), plain)
		return c
	}
	m.drawHeader(c)
	m.drawTabs(c)
	b := box{y: 3, height: m.height - 5}
	if m.height < 20 {
		b = box{y: 2, height: m.height - 4}
	}
	if m.reading == nil {
		c.put(1, b.y, m.width-2, "Reading …", faint)
	} else {
		m.current().draw(c, b, m)
	}
	c.clear(0, c.height-2, c.width, 2) // of a view that has less room than it needs
	m.drawFoot(c)
	switch {
	case m.help:
		m.drawHelp(c)
	case m.edit != nil:
		m.edit.draw(c)
	case m.ask != nil:
		m.ask.draw(c)
	}
	return c
}

// drawHeader says where this is from, and how old it is.
func (m *model) drawHeader(c *canvas) {
	c.fill(0, 0, c.width, style{reverse: true})
	text, s := m.freshness()
	x := c.width - 1 - widthOf(text, c.width-2)
	c.put(x, 0, c.width-x-1, text, s)
	end := c.put(1, 0, x-2, "drayhorse top", style{reverse: true, bold: true})
	c.put(end+2, 0, x-end-3, m.where, style{reverse: true})
}

func (m *model) freshness() (string, style) {
	at := ""
	if m.reading != nil {
		at = m.reading.Now.UTC().Format("15:04:05 UTC")
	}
	switch {
	case !m.awayAt.IsZero():
		text := fmt.Sprintf("REDIS AWAY for %s", figures.Rough(m.clock().Sub(m.awayAt).Truncate(time.Second)))
		if m.reading != nil {
			text = "as it was at " + m.reading.Now.UTC().Format("15:04:05") + ", " + text
		}
		return text, style{reverse: true, bold: true, colour: cli.Red}
	case m.paused:
		return "PAUSED " + at, style{reverse: true, bold: true, colour: cli.Yellow}
	}
	return strings.TrimSpace(fmt.Sprintf("every %v  %s", m.every, at)), style{reverse: true}
}

func (m *model) drawTabs(c *canvas) {
	x, room := 1, c.width-1
	for i, p := range m.tabs {
		label := fmt.Sprintf("%d %s", i+1, p.title())
		if n := m.countOf(i); n != "" && c.width >= 76 {
			label += " " + n
		}
		s := faint
		if i == m.tab {
			s = style{bold: true, under: true}
		}
		x = c.put(x, 1, room-x, label, s)
		x += 2
		if c.width >= 76 {
			x++
		}
	}
	crumb := ""
	for _, p := range m.inside {
		crumb += " › " + p.title()
	}
	if crumb != "" && c.height >= 20 {
		c.put(0, 2, c.width, crumb, strong)
	}
}

// countOf is how many there are of what a tab shows.
func (m *model) countOf(tab int) string {
	if m.reading == nil {
		return ""
	}
	switch tab {
	case 1:
		return figures.Count(len(m.reading.Names))
	case 3:
		return figures.Count(len(m.reading.Workers))
	}
	return ""
}

// drawFoot says what was done, or what is wrong, and which keys there are.
func (m *model) drawFoot(c *canvas) {
	y := c.height - 2
	switch {
	case m.said.text != "" && m.said.bad:
		c.put(1, y, c.width-2, m.said.text, style{colour: cli.Red, bold: true})
	case m.said.text != "":
		c.put(1, y, c.width-2, m.said.text, style{colour: cli.Green, bold: true})
	case m.away != nil:
		why := strings.TrimPrefix(m.away.Error(), drayhorse.ErrUnavailable.Error()+": ")
		c.put(1, y, c.width-2, fmt.Sprintf("Since %s UTC: %s", m.awayAt.UTC().Format("15:04:05"), why), in(cli.Red))
	case m.wrong != nil:
		c.put(1, y, c.width-2, m.wrong.Error(), in(cli.Red))
	}
	m.drawHints(c)
}

func (m *model) drawHints(c *canvas) {
	all := m.current().hints(m)
	if len(m.inside) > 0 {
		all = append(all, hint{"esc", "back"})
	}
	pause := "pause"
	if m.paused {
		pause = "go on"
	}
	all = append(all, hint{"space", pause}, hint{"?", "help"}, hint{"q", "quit"})
	// Help and the end are always named.
	room := c.width - 2 - widthOf("? help  q quit", 20)
	x := 1
	for i, h := range all {
		w := len(h.key) + 1 + len(h.does) + 2
		if i < len(all)-2 && x+w > room+1 {
			continue
		}
		x = c.put(x, c.height-1, c.width-x, h.key, style{bold: true, colour: cli.Cyan})
		x = c.put(x+1, c.height-1, c.width-x-1, h.does, faint)
		x += 2
	}
}

// area is the inside of a window.
type area struct{ x, y, width, height int }

// window draws an empty box in the middle.
func window(c *canvas, width, height int, title string) area {
	width, height = min(max(width, 20), c.width), min(height, c.height)
	x, y := (c.width-width)/2, (c.height-height)/2
	c.clear(x, y, width, height)
	bar := strings.Repeat("─", width-2)
	s := in(cli.Cyan)
	c.put(x, y, width, "╭"+bar+"╮", s)
	for i := 1; i < height-1; i++ {
		c.put(x, y+i, 1, "│", s)
		c.put(x+width-1, y+i, 1, "│", s)
	}
	c.put(x, y+height-1, width, "╰"+bar+"╯", s)
	c.put(x+2, y, width-4, " "+title+" ", style{bold: true, colour: cli.Cyan})
	return area{x + 2, y + 1, width - 4, height - 2}
}

// colours of states.
var stateColours = map[drayhorse.State]cli.Colour{
	drayhorse.Scheduled: cli.Blue, drayhorse.Available: cli.Plain, drayhorse.Running: cli.Cyan, drayhorse.Retryable: cli.Yellow,
	drayhorse.Completed: cli.Green, drayhorse.Cancelled: cli.Dim, drayhorse.Discarded: cli.Red,
}

func inState(s drayhorse.State) style {
	if stateColours[s] == cli.Dim {
		return faint
	}
	return in(stateColours[s])
}

var levelStyles = map[board.Level]style{
	board.Bad: {colour: cli.Red, bold: true}, board.Warn: in(cli.Yellow), board.Note: faint,
}

// drawList draws a table of a list, in a box, with what stands there if it is empty.
func drawList[T any](c *canvas, b box, l *list[T], columns []column, none string, fields func(T, *table) []field) {
	t := layout(columns, c.width-2)
	if b.height < 2 {
		return
	}
	t.head(c, 1, b.y)
	rows, chosen := l.show(b.height - 1)
	if len(rows) == 0 {
		c.put(1, b.y+2, c.width-2, none, faint)
	}
	for i, r := range rows {
		y := b.y + 1 + i
		f := fields(r.value, t)
		if r.gone {
			for i := range f {
				f[i].style = faint
			}
		}
		t.row(c, 1, y, f, i == chosen)
		if r.gone {
			c.right(c.width-1, y, 8, " (gone) ", style{reverse: true})
		}
		if i == chosen {
			c.put(0, y, 1, "›", style{bold: true, reverse: true})
		}
	}
	scrollbar(c, box{b.y + 1, b.height - 1}, l.top, len(rows), len(l.rows))
}

// scrollbar shows which part of a whole is shown.
func scrollbar(c *canvas, b box, first, shown, all int) {
	if shown <= 0 || shown >= all || b.height < 2 {
		return
	}
	size := max(1, b.height*shown/all)
	at := (b.height - size) * first / (all - shown)
	for i := range b.height {
		if i >= at && i < at+size {
			c.put(c.width-1, b.y+i, 1, "┃", in(cli.Cyan))
		} else {
			c.put(c.width-1, b.y+i, 1, "│", faint)
		}
	}
}

// ago gives a time as seen from now; "–" for none.
func (m *model) ago(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return figures.When(t, m.now()).Rough
}

// drawDetail draws lines that say more of what is chosen at the end of a box, if it has room for them, and
// gives what is left of it.
func drawDetail(c *canvas, b box, lines []field) box {
	if b.height < 8 {
		return b
	}
	left := box{b.y, b.height - len(lines)}
	for i, f := range lines {
		c.put(1, left.y+left.height+i, c.width-2, f.text, f.style)
	}
	return left
}
