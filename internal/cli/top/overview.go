package top

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/board"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/figures"
)

// overview is how much there is, how fast it goes, what needs a look, and the busiest queues.
type overview struct{ queues *list[queueRow] }

func newOverview() *overview { return &overview{&list[queueRow]{key: keyOfQueue}} }

func (o *overview) title() string { return "Overview" }
func (o *overview) fetch() fetch  { return nil }

func (o *overview) take(any, *model) {}

func (o *overview) look(m *model) {
	rows := queueRows(m.reading)
	slices.SortStableFunc(rows, func(a, b queueRow) int {
		return cmp.Or(cmp.Compare(busy(b), busy(a)), cmp.Compare(a.Name, b.Name))
	})
	o.queues.take(rows)
}

// busy says how much goes on in a queue, roughly: queues do not change places for every job.
func busy(r queueRow) int {
	return magnitude(float64(r.Available+r.Running+r.Retryable)) + magnitude(max(r.rates.NowIn, r.rates.NowOut))
}

func (o *overview) draw(c *canvas, b box, m *model) {
	y := b.y
	y = drawRates(c, y, m)
	y = drawCounts(c, y, m)
	y = drawFleet(c, y, m)
	y = drawNotices(c, y, b.y+b.height-y-4, m)
	drawQueues(c, box{y, b.y + b.height - y}, o.queues)
}

// drawRates draws what comes in, what ends and what fails, with the minutes before.
func drawRates(c *canvas, y int, m *model) int {
	r := m.reading.Rates[""]
	top := highest(0.1, r.In, r.Out, r.Fails)
	lines := 1
	if m.height >= 32 {
		lines = 2
	}
	for _, one := range []struct {
		name   string
		now    float64
		values []float64
		colour cli.Colour
	}{{"in", r.NowIn, r.In, cli.Cyan}, {"done", r.NowOut, r.Out, cli.Green}, {"failed", r.NowFails, r.Fails, cli.Red}} {
		c.put(1, y+lines-1, 6, one.name, faint)
		s := in(one.colour)
		s.bold = true
		c.right(18, y+lines-1, 10, figures.Rate(one.now)+"/s", s)
		width := min(len(one.values), c.width-21)
		for _, line := range tall(one.values, width, lines, top) {
			c.put(20, y, width, line, in(one.colour))
			y++
		}
	}
	return y
}

// drawCounts draws the jobs by state.
func drawCounts(c *canvas, y int, m *model) int {
	s := m.reading.Sums()
	counts := []struct {
		name  string
		n     int
		state drayhorse.State
	}{
		{"waiting", s.Available, drayhorse.Available}, {"running", s.Running, drayhorse.Running}, {"retryable", s.Retryable, drayhorse.Retryable},
		{"scheduled", s.Scheduled, drayhorse.Scheduled}, {"discarded", s.Discarded, drayhorse.Discarded}, {"cancelled", s.Cancelled, drayhorse.Cancelled}, {"completed", s.Completed, drayhorse.Completed},
	}
	width := max((c.width-2)/min(len(counts), (c.width-2)/11), 11)
	for i, one := range counts {
		x := 1 + i*width
		if x+10 > c.width {
			break
		}
		style := inState(one.state)
		if style.bold = true; one.n == 0 {
			style = faint
		}
		c.put(x, y, width-1, one.name, faint)
		c.put(x, y+1, width-1, figures.Brief(one.n), style)
	}
	return y + 2
}

// drawFleet draws workers, the leader and Redis.
func drawFleet(c *canvas, y int, m *model) int {
	f := board.FleetOf(m.reading.Workers)
	use := figures.Percent(f.Running, f.Slots)
	c.put(1, y, 9, "workers", faint)
	bar := min(20, max(c.width/5, 8))
	gauge(c, 10, y, bar, use, heat(use))
	text := fmt.Sprintf("%d/%d slots, %s", f.Running, f.Slots, figures.Plural(f.Count, "worker"))
	if f.Quiet > 0 {
		text += fmt.Sprintf(", %d quiet", f.Quiet)
	}
	if f.Stuck > 0 {
		text += fmt.Sprintf(", %d stuck", f.Stuck)
	}
	x := c.put(11+bar, y, c.width-12-bar, text, plain)
	if l := m.reading.Leader; l == nil {
		leader(c, x, y, "none", faint)
	} else {
		leader(c, x, y, fmt.Sprintf("%s for %s", l.Identity, figures.Rough(m.now().Sub(l.Since))), plain)
	}
	return drawRedis(c, y+1, bar, m)
}

func leader(c *canvas, x, y int, text string, s style) {
	if x+14 > c.width {
		return
	}
	x = c.put(x+3, y, 7, "leader ", faint)
	c.put(x, y, c.width-x-1, text, s)
}

func drawRedis(c *canvas, y, bar int, m *model) int {
	c.put(1, y, 9, "redis", faint)
	var memory, most, commands int64
	var clients int
	for _, s := range m.servers {
		memory, most, commands, clients = memory+s.Memory, most+s.MaxMemory, commands+s.Commands, clients+s.Clients
	}
	if len(m.servers) == 0 {
		c.put(10, y, c.width-11, "–", faint)
		return y + 1
	}
	x, text := 10, figures.Size(memory)
	if most > 0 {
		use := int(min(100, memory*100/most))
		gauge(c, x, y, bar, use, heat(use))
		x, text = 11+bar, text+" of "+figures.Size(most)
	}
	text += fmt.Sprintf(", %s/s, %s", figures.Count(commands), figures.Plural(clients, "client"))
	if len(m.servers) > 1 {
		text += fmt.Sprintf(", %d servers", len(m.servers))
	} else {
		text += ", " + m.servers[0].Version
	}
	c.put(x, y, c.width-x-1, text, plain)
	return y + 1
}

// drawNotices draws what needs a look, in so many lines.
func drawNotices(c *canvas, y, room int, m *model) int {
	all := m.reading.Notices()
	for i := range m.servers {
		for _, n := range board.NoticesOfServer(&m.servers[i]) {
			if n.Level != board.Note {
				n.Text = "Redis: " + n.Text
				all = append(all, n)
			}
		}
	}
	rank := map[board.Level]int{board.Bad: 0, board.Warn: 1, board.Note: 2}
	slices.SortStableFunc(all, func(a, b board.Notice) int { return cmp.Compare(rank[a.Level], rank[b.Level]) })
	most := max(min(room/2, 5), 1)
	for i, n := range all {
		if i == most-1 && len(all) > most {
			c.put(1, y, c.width-2, fmt.Sprintf("… and %d more that need a look", len(all)-i), faint)
			return y + 1
		}
		c.put(1, y, 2, map[board.Level]string{board.Bad: "✖", board.Warn: "▲", board.Note: "·"}[n.Level], levelStyles[n.Level])
		c.put(3, y, c.width-4, n.Text, levelStyles[n.Level])
		y++
	}
	return y
}

func (o *overview) press(k key, m *model) bool { return pressQueues(k, o.queues, m) }
func (o *overview) hints(m *model) []hint      { return queueHints(o.queues, m) }

func magnitude(n float64) int { return int(math.Log2(max(n, 0) + 1)) }

// queueRow is a queue in a list.
type queueRow struct {
	admin.Queue

	rates board.Rates
}

func keyOfQueue(q queueRow) string { return q.Name }

func queueRows(r *board.Reading) []queueRow {
	rows := make([]queueRow, 0, len(r.Queues))
	for _, q := range r.Queues {
		rows = append(rows, queueRow{q, r.Rates[q.Name]})
	}
	return rows
}
