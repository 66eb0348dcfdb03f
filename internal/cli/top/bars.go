package top

import (
	"strings"

	"github.com/drayhorse/drayhorse/internal/cli"
)

// bars are heights of a cell, in eighths.
var bars = []rune(" ▁▂▃▄▅▆▇█")

// spark draws the last values, each a cell, up to top; what is unknown is empty.
func spark(values []float64, width int, top float64) string {
	if width <= 0 {
		return ""
	}
	values = values[max(0, len(values)-width):]
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", width-len(values)))
	for _, v := range values {
		switch {
		case v < 0:
			b.WriteByte(' ')
		case v == 0 || top <= 0:
			b.WriteRune('▁')
		default:
			b.WriteRune(bars[1+min(7, max(0, int(v/top*8-0.001)))])
		}
	}
	return b.String()
}

// tall draws values as spark does, in several lines, the upper one in front.
func tall(values []float64, width, height int, top float64) []string {
	lines := make([]string, height)
	for i := range lines {
		floor := top * float64(height-1-i) / float64(height)
		part := make([]float64, len(values))
		for n, v := range values {
			if part[n] = min(v-floor, top/float64(height)); v < 0 || floor > 0 && v <= floor {
				part[n] = -1
			}
		}
		lines[i] = spark(part, width, top/float64(height))
	}
	return lines
}

// highest gives the highest value, and at least floor.
func highest(floor float64, all ...[]float64) float64 {
	for _, values := range all {
		for _, v := range values {
			floor = max(floor, v)
		}
	}
	return floor
}

// gauge draws how full something is.
func gauge(c *canvas, x, y, width, percent int, s style) {
	if width <= 0 {
		return
	}
	eighths := width * 8 * max(0, min(percent, 100)) / 100
	full := strings.Repeat("█", eighths/8)
	if part := eighths % 8; part > 0 {
		full += string([]rune("▏▎▍▌▋▊▉")[part-1])
	}
	end := c.put(x, y, width, full, s)
	c.put(end, y, x+width-end, strings.Repeat("░", x+width-end), faint)
}

// heat is the colour of how full something is.
func heat(percent int) style {
	switch {
	case percent >= 90:
		return in(cli.Red)
	case percent >= 70:
		return in(cli.Yellow)
	}
	return in(cli.Green)
}
