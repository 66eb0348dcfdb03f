package top

import "github.com/drayhorse/drayhorse/internal/cli"

// helpKeys are the keys that are explained, in two columns where there is room.
var helpKeys = []hint{
	{"1 – 6, ← →", "the views; tab, too"},
	{"↑ ↓ j k", "choose; PgUp PgDn g G further"},
	{"enter, esc", "go in, go back"},
	{"/", "filter jobs, find queues"},
	{"n, b", "next page, page before"},
	{"r", "read now"},
	{"space", "stop reading, go on"},
	{"q", "quit"},
	{"", ""},
	{"P", "pause or resume a queue, a schedule"},
	{"R", "run a job now, or again"},
	{"N", "clone a job"},
	{"C", "cancel a job"},
	{"D", "delete a job, remove a limit"},
	{"B", "close a breaker"},
	{"T", "run a schedule now"},
}

func (m *model) drawHelp(c *canvas) {
	b := window(c, 56, len(helpKeys)+6, "Keys")
	y := b.y
	for _, h := range helpKeys {
		if y >= b.y+b.height {
			return
		}
		c.put(b.x, y, 12, h.key, style{bold: true, colour: cli.Cyan})
		c.put(b.x+13, y, b.width-13, h.does, plain)
		y++
	}
	for _, line := range wrap("Capital letters change something, and ask before. What is chosen stays chosen, whatever moves around it.", b.width, 3) {
		if y++; y < b.y+b.height {
			c.put(b.x, y, b.width, line, faint)
		}
	}
}
