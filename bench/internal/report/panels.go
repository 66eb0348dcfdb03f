package report

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// steep is from which ratio of highest to lowest an axis is logarithmic.
const steep = 20

// draw writes the curve's series beside each other.
func (c *Curve) draw(dir string) error {
	if len(c.Series) == 0 { // it failed at its first point
		return nil
	}
	panels := make([]*plot.Plot, len(c.Series))
	for i, s := range c.Series {
		panel, err := c.panel(s, i)
		if err != nil {
			return fmt.Errorf("plot %s: %w", c.Name, err)
		}
		panels[i] = panel
	}
	canvas, err := draw.NewFormattedCanvas(vg.Length(len(panels))*3.6*vg.Inch, 3*vg.Inch, extension[1:])
	if err != nil {
		return err
	}
	tiles := draw.Tiles{Rows: 1, Cols: len(panels), PadX: vg.Points(14), PadTop: vg.Points(4), PadBottom: vg.Points(4), PadLeft: vg.Points(4), PadRight: vg.Points(12)}
	for i, at := range plot.Align([][]*plot.Plot{panels}, tiles, draw.New(canvas))[0] {
		panels[i].Draw(at)
	}
	f, err := os.Create(filepath.Join(dir, "scale-"+c.Name+extension)) //nolint:gosec // the directory that the caller asks for
	if err != nil {
		return err
	}
	return write(f, canvas)
}

func write(f *os.File, from io.WriterTo) error {
	if _, err := from.WriteTo(f); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

func (c *Curve) panel(s Series, i int) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = s.Name, c.X, s.Unit
	p.Title.TextStyle.Font.Size = vg.Points(11)
	p.X.Tick.Label.Font.Size = vg.Points(8)
	points := make(plotter.XYs, len(s.Points))
	ticks := make(plot.ConstantTicks, len(s.Points))
	low, high := math.Inf(1), 0.0
	for j, at := range s.Points {
		points[j] = plotter.XY{X: at.X, Y: at.Y}
		ticks[j] = plot.Tick{Value: at.X, Label: Short(at.X)}
		low, high = min(low, at.Y), max(high, at.Y)
	}
	line, dots, err := plotter.NewLinePoints(points)
	if err != nil {
		return nil, err
	}
	line.Color, dots.Color, dots.Shape = palette[i], palette[i], draw.CircleGlyph{}
	line.Width = vg.Points(1.5)
	p.Add(line, dots, plotter.NewGrid())
	p.X.Tick.Marker = ticks
	if !c.Linear {
		p.X.Scale = plot.LogScale{}
		p.X.Label.Text += ", log scale"
	}
	scaleY(p, low, high, low > 0 && high/low > steep)
	return p, nil
}

// growth says what a series does from its first point to its last.
func (c *Curve) growth(s Series) string {
	first, last := s.Points[0], s.Points[len(s.Points)-1]
	ratio := last.Y / first.Y
	change := fmt.Sprintf("falls to %.2g times", ratio)
	switch {
	case first.Y == 0:
		change = "from nothing"
	case ratio > 0.8 && ratio < 1.25:
		change = fmt.Sprintf("does not change much (%.2f times)", ratio)
	case ratio >= 1.25:
		change = fmt.Sprintf("grows %.2g times", ratio)
	}
	return fmt.Sprintf("**%s** %s: %s %s at %s, %s at %s.", s.Name, change, Figure(first.Y), s.Unit, Short(first.X), Figure(last.Y), Short(last.X))
}
