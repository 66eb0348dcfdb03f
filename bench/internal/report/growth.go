package report

import (
	"fmt"
	"strings"
)

// draw writes the curve's series beside each other: a bar for each size.
func (c *Curve) draw(dir string) error {
	if len(c.Series) == 0 { // it failed at its first point
		return nil
	}
	s := sheet{beside: true, note: fmt.Sprintf("Rows: %s. (2×): twice the first row.", c.X)}
	for _, series := range c.Series {
		p := panel{title: series.Name + ", " + spoken(series.Unit)}
		for _, at := range series.Points {
			r := row{name: Short(at.X), parts: []float64{at.Y}, text: Figure(at.Y), own: true}
			if first := series.Points[0]; at != first && first.Y > 0 {
				r.text += " (" + times(at.Y/first.Y) + ")"
			}
			p.rows = append(p.rows, r)
		}
		s.panels = append(s.panels, p)
	}
	return s.save(dir, "scale-"+c.Name)
}

// growth says what a series does from its first point to its last.
func (c *Curve) growth(s Series) string {
	first, last := s.Points[0], s.Points[len(s.Points)-1]
	change := ""
	if first.Y > 0 {
		change = " (" + times(last.Y/first.Y) + ")"
	}
	return fmt.Sprintf("**%s**: %s %s at %s; %s at %s%s", s.Name, Figure(first.Y), spoken(s.Unit), Short(first.X), Figure(last.Y), Short(last.X), change)
}

// spoken writes out the units that are recorded short.
func spoken(unit string) string {
	return strings.NewReplacer("us/job", "µs per job", "jobs/s", "jobs per second", "1/s", "per second").Replace(unit)
}

// Short writes a number in few letters: 1M, 250k, 0.3.
func Short(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.3gM", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%.3gk", v/1e3)
	}
	return fmt.Sprintf("%.3g", v)
}
