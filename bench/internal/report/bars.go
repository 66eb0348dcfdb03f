package report

import (
	"fmt"
	"image/color"
	"slices"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// row is one bar with its name before it and what is said of it behind it.
type row struct {
	name      string
	parts     []float64 // the bar, from the axis outwards
	low, high float64   // lowest and highest of the runs
	text      string
	own       bool // it is in the colour of Drayhorse
}

func (r row) length() float64 {
	sum := 0.0
	for _, part := range r.parts {
		sum += part
	}
	return sum
}

// panel is a few bars on one linear scale that begins at zero and is not written on: each
// bar says its value.
type panel struct {
	title string
	rows  []row
	cut   bool // bars that are far longer than all others, since nothing could be read from those
}

const (
	pitch    = vg.Length(17) // from row to row
	thick    = vg.Length(10) // of a bar
	fontSize = vg.Length(9)
)

// far is how many times as long as the next a bar is that is cut.
const far = 6

// end is where the scale ends, and whether bars end beyond it.
func (p panel) end() (end float64, cut bool) {
	highs := make([]float64, 0, len(p.rows))
	for _, r := range p.rows {
		highs = append(highs, max(r.length(), r.high))
	}
	slices.Sort(highs)
	n := len(highs)
	if p.cut && n > 1 && highs[n-1] > far*highs[n-2] && highs[n-2] > 0 {
		return 1.5 * highs[n-2], true
	}
	if n == 0 || highs[n-1] <= 0 {
		return 1, false
	}
	return highs[n-1], false
}

// style is that of text in the plots.
func style(ink color.Color, weight xfont.Weight) text.Style {
	return text.Style{
		Color: ink, Handler: plot.DefaultTextHandler,
		Font: font.Font{Typeface: "Liberation", Variant: "Sans", Weight: weight, Size: fontSize},
	}
}

// plot lays the panel out, without its title.
func (p panel) plot() (*plot.Plot, error) {
	c := plot.New()
	c.BackgroundColor = nil // that of the sheet
	c.HideX()
	names := make([]string, len(p.rows))
	for i, r := range p.rows {
		names[len(names)-1-i] = r.name // the first is at the top
	}
	c.NominalY(names...)
	c.Y.Tick.Label.Font, c.Y.Tick.Label.Color = style(ink, xfont.WeightNormal).Font, ink
	c.X.Padding, c.Y.Padding = 0, vg.Points(3)
	end, _ := p.end()
	c.X.Min, c.X.Max = 0, end
	c.Y.Min, c.Y.Max = -0.5, float64(len(p.rows))-0.5
	for i, r := range p.rows {
		if err := r.add(c, float64(len(p.rows)-1-i), end); err != nil {
			return nil, err
		}
	}
	// What was added made room for itself on the axes; a bar that is cut needs none.
	c.X.Min, c.X.Max = 0, end
	c.Y.Min, c.Y.Max = -0.5, float64(len(p.rows))-0.5
	return c, nil
}

// add draws the bar at a height, what it ranged over, and its text.
func (r row) add(c *plot.Plot, at, end float64) error {
	shades := []color.Color{other, otherLight}
	if r.own {
		shades = []color.Color{own, ownLight}
	}
	from := 0.0
	for i, part := range r.parts {
		to := min(from+part, end)
		corners := plotter.XYs{{X: from, Y: at}, {X: to, Y: at}}
		bar, err := plotter.NewLine(corners)
		if err != nil {
			return err
		}
		bar.Color, bar.Width = shades[i%len(shades)], thick
		c.Add(bar)
		from = to
	}
	tip := max(r.length(), r.high)
	switch {
	case tip > end:
		tip = end
		broken, err := plotter.NewScatter(plotter.XYs{{X: end * 0.96, Y: at}})
		if err != nil {
			return err
		}
		broken.GlyphStyle = draw.GlyphStyle{Color: paper, Radius: thick/2 + 1, Shape: slash{}}
		c.Add(broken)
	case r.high > r.low:
		ranged, err := plotter.NewLine(plotter.XYs{{X: r.low, Y: at}, {X: r.high, Y: at}})
		if err != nil {
			return err
		}
		ranged.Color, ranged.Width = ink, vg.Points(0.8)
		c.Add(ranged)
	}
	label, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: tip, Y: at}}, Labels: []string{r.text}})
	if err != nil {
		return err
	}
	label.TextStyle[0] = style(ink, xfont.WeightNormal)
	label.TextStyle[0].YAlign = draw.YCenter
	label.Offset = vg.Point{X: vg.Points(5), Y: vg.Points(1.5)} // digits have no descents
	c.Add(label)
	return nil
}

// slash is the mark of a bar that is longer than it is drawn.
type slash struct{}

// DrawGlyph draws it in the colour of the paper.
func (slash) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	line := draw.LineStyle{Color: s.Color, Width: vg.Points(2.5)}
	c.StrokeLine2(line, at.X-s.Radius/2, at.Y-s.Radius, at.X+s.Radius/2, at.Y+s.Radius)
}

// times writes a ratio.
func times(ratio float64) string {
	switch {
	case ratio >= 1000:
		return Figure(ratio) + "×"
	case ratio >= 10:
		return fmt.Sprintf("%.0f×", ratio)
	case ratio >= 2:
		return fmt.Sprintf("%.1f×", ratio)
	case ratio >= 0.01:
		return fmt.Sprintf("%.2f×", ratio)
	}
	return fmt.Sprintf("%.2g×", ratio)
}
