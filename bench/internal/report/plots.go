package report

import (
	"fmt"
	"image/color"
	"math"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"github.com/drayhorse/drayhorse/bench/internal/measure"
)

// picture is a plot of some figures of all systems under one condition.
type picture struct {
	File, Title, Condition string
	axis                   string
	log                    bool
	figures                []string
}

var pictures = []picture{
	{"drain", "Drain of no-op jobs, by handlers of one worker", Near, "jobs/s", true, []string{measure.Drain(10), measure.Drain(100), measure.Drain(500)}},
	{"drain-far", "Drain with Redis 1 ms away", Far, "jobs/s", true, []string{measure.Drain(10), measure.Drain(100), measure.Drain(500)}},
	{"drain-durable", "Drain with AOF everysec", Durable, "jobs/s", true, []string{measure.Drain(10), measure.Drain(100), measure.Drain(500)}},
	{"enqueue", "Enqueue", Near, "jobs/s", true, []string{measure.EnqueueOne, measure.EnqueueMany, measure.EnqueueBulk}},
	{"enqueue-far", "Enqueue with Redis 1 ms away", Far, "jobs/s", true, []string{measure.EnqueueOne, measure.EnqueueMany, measure.EnqueueBulk}},
	{"latency", "From enqueue to the handler of an idle worker", Near, "ms", true, []string{measure.LatencyP50, measure.LatencyP99, measure.LatencyMax}},
	{"cpu", "CPU of enqueue and drain", Near, "CPU seconds per 100,000 jobs", true, []string{measure.ClientCPU, measure.ServerCPU}},
	{"memory", "Memory of a queued job with 100 bytes of arguments", Near, "bytes", false, []string{measure.Bytes}},
}

var palette = []color.Color{color.RGBA{31, 119, 180, 255}, color.RGBA{255, 127, 14, 255}, color.RGBA{120, 120, 120, 255}, color.RGBA{44, 160, 44, 255}}

// extension of the plots.
const extension = ".svg"

// draw writes the plots of which there are figures and gives their files.
func (p *Peers) draw(dir string) ([]picture, error) {
	var drawn []picture
	for _, pic := range pictures {
		c, ok := p.columns(pic)
		if !ok {
			continue
		}
		if err := c.Save(9*vg.Inch, 3.6*vg.Inch, filepath.Join(dir, pic.File+extension)); err != nil {
			return nil, fmt.Errorf("plot %s: %w", pic.File, err)
		}
		drawn = append(drawn, pic)
	}
	return drawn, nil
}

func (p *Peers) columns(pic picture) (*plot.Plot, bool) {
	c := plot.New()
	c.Title.Text = pic.Title + " (median of runs, whiskers: lowest and highest)"
	c.Y.Label.Text = pic.axis
	systems := p.Ran()
	c.NominalX(systems...)
	c.X.Min, c.X.Max = -0.6, float64(len(systems))-0.4
	low, high := math.Inf(1), 0.0
	for j, name := range pic.figures {
		bars := &columns{width: 0.8 / float64(len(pic.figures)), color: palette[j]}
		for i, system := range systems {
			values := p.Values(pic.Condition, name, system)
			bars.at = append(bars.at, float64(i)-0.4+bars.width*(float64(j)+0.5))
			bars.values = append(bars.values, values)
			if len(values) > 0 {
				least, most := extremes(values)
				low, high = min(low, least), max(high, most)
			}
		}
		c.Add(bars)
		c.Legend.Add(name, bars)
	}
	if high == 0 {
		return nil, false
	}
	c.Legend.Top = true
	c.Legend.TextStyle.Font.Size = vg.Points(9)
	c.Title.TextStyle.Font.Size = vg.Points(11)
	scaleY(c, low, high, pic.log && low > 0)
	return c, true
}

// scaleY chooses the axis: from zero, or over whole powers of ten.
func scaleY(p *plot.Plot, low, high float64, log bool) {
	if !log {
		p.Y.Min, p.Y.Max = 0, high*1.25
		p.Y.Tick.Marker = shortTicks{}
		return
	}
	p.Y.Scale = plot.LogScale{}
	p.Y.Min, p.Y.Max = math.Pow(10, math.Floor(math.Log10(low))), math.Pow(10, math.Ceil(math.Log10(high*4)))
	p.Y.Tick.Marker = plot.TickerFunc(func(least, most float64) []plot.Tick {
		var ticks []plot.Tick
		for power := least; power <= most*1.001; power *= 10 {
			ticks = append(ticks, plot.Tick{Value: power, Label: Short(power)})
			for i := 2.0; i < 10 && power*i < most; i++ {
				ticks = append(ticks, plot.Tick{Value: power * i})
			}
		}
		return ticks
	})
	p.Y.Label.Text += ", log scale"
}

type shortTicks struct{}

// Ticks are the usual ones with short labels.
func (shortTicks) Ticks(least, most float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(least, most)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = Short(ticks[i].Value)
		}
	}
	return ticks
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
