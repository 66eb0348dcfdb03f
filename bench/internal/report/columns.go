package report

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// columns are the bars of one figure, one for each system, with whiskers from the
// lowest to the highest value. gonum's own cannot stand on a logarithmic axis.
type columns struct {
	at     []float64 // the middle of each bar
	values [][]float64
	width  float64
	color  color.Color
}

// Plot draws them from the bottom of the axis.
func (b *columns) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	whisker := draw.LineStyle{Color: color.Gray{60}, Width: vg.Points(0.8)}
	for i, values := range b.values {
		if len(values) == 0 {
			continue
		}
		left, right := x(b.at[i]-b.width/2), x(b.at[i]+b.width/2)
		bottom, top := c.Min.Y, y(Median(values))
		c.FillPolygon(b.color, []vg.Point{{X: left, Y: bottom}, {X: left, Y: top}, {X: right, Y: top}, {X: right, Y: bottom}})
		low, high := extremes(values)
		c.StrokeLine2(whisker, x(b.at[i]), y(low), x(b.at[i]), y(high))
		label := draw.TextStyle{Font: p.Y.Tick.Label.Font, Color: color.Black, Handler: plot.DefaultTextHandler, XAlign: draw.XCenter, YAlign: draw.YBottom}
		label.Font.Size = vg.Points(7)
		c.FillText(label, vg.Point{X: x(b.at[i]), Y: max(top, y(high)) + vg.Points(2)}, Short(Median(values)))
	}
}

// Thumbnail is the square in the legend.
func (b *columns) Thumbnail(c *draw.Canvas) {
	c.FillPolygon(b.color, []vg.Point{c.Min, {X: c.Min.X, Y: c.Max.Y}, c.Max, {X: c.Max.X, Y: c.Min.Y}})
}

func extremes(values []float64) (low, high float64) {
	low, high = values[0], values[0]
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	return low, high
}
