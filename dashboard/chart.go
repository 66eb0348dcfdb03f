package dashboard

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse/internal/board"
	"github.com/drayhorse/drayhorse/internal/figures"
)

// chart is curves of rates in a box of chartWidth by chartHeight, which the page
// stretches: its labels are text beside it.
type chart struct {
	Curves []curve
	Top    string // the value of the upper edge
	Half   string // of the middle
	Label  string // what a screen reader says
	Empty  bool   // nothing is known yet
}

// curve is one line, and the area below it.
type curve struct {
	Name, Line, Area string
}

// Rates are shown for ten minutes, in so many steps.
const (
	rateStep  = 10 * time.Second
	rateSteps = 60
)

// Of the box.
const (
	chartWidth  = 600
	chartHeight = 100
)

// throughput is the chart of what comes in, what ends and what fails.
func throughput(r board.Rates) chart {
	top := ceiling(max(highest(r.In), highest(r.Out), highest(r.Fails)))
	c := chart{
		Top: figures.Rate(top), Half: figures.Rate(top / 2), Empty: r.NowIn < 0,
		Label: fmt.Sprintf("Jobs a second over the last ten minutes: now %s put in, %s ended, %s attempts failed", figures.Rate(r.NowIn), figures.Rate(r.NowOut), figures.Rate(r.NowFails)),
	}
	for _, one := range []struct {
		name   string
		values []float64
	}{{"in", r.In}, {"out", r.Out}, {"fails", r.Fails}} {
		c.Curves = append(c.Curves, draw(one.name, one.values, top))
	}
	return c
}

// spark is the chart of one queue in small: what ends over what comes in.
func spark(r board.Rates) chart {
	top := max(highest(r.In), highest(r.Out), 0.1)
	return chart{
		Empty: r.NowIn < 0, Label: fmt.Sprintf("%s a second in, %s a second out", figures.Rate(r.NowIn), figures.Rate(r.NowOut)),
		Curves: []curve{draw("in", r.In, top), draw("out", r.Out, top)},
	}
}

// draw makes paths of values, one for each stretch that is known.
func draw(name string, values []float64, top float64) curve {
	var line, area strings.Builder
	step := float64(chartWidth) / float64(len(values)-1)
	for i := 0; i < len(values); i++ {
		if values[i] < 0 {
			continue
		}
		first := i
		for ; i < len(values) && values[i] >= 0; i++ {
			x, y := float64(i)*step, chartHeight*(1-min(values[i]/top, 1))
			to := "L"
			if i == first {
				to = "M"
				fmt.Fprintf(&area, "M%.1f %d", x, chartHeight)
			}
			fmt.Fprintf(&line, "%s%.1f %.1f", to, x, y)
			fmt.Fprintf(&area, "L%.1f %.1f", x, y)
		}
		if i == first+1 { // a line of one point is a dash
			fmt.Fprintf(&line, "h%.1f", map[bool]float64{true: -step / 2, false: step / 2}[i == len(values)])
		}
		fmt.Fprintf(&area, "L%.1f %dZ", float64(i-1)*step, chartHeight)
	}
	return curve{name, line.String(), area.String()}
}

func highest(values []float64) float64 {
	top := 0.0
	for _, v := range values {
		top = max(top, v)
	}
	return top
}

// ceiling gives 1, 2 or 5 times a power of ten that is not below v, and at least 1.
func ceiling(v float64) float64 {
	if v <= 1 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range []float64{1, 2, 5} {
		if n*unit >= v {
			return n * unit
		}
	}
	return 10 * unit
}
