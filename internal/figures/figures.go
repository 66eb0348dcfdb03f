// Package figures is numbers, sizes, durations, times and edges as people read them, on pages and in
// terminals.
package figures

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse/flow"
)

// Count gives a number with commas.
func Count[N int | int64](n N) string {
	text := strconv.FormatInt(int64(n), 10)
	negative := strings.HasPrefix(text, "-")
	text = strings.TrimPrefix(text, "-")
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	if negative {
		text = "-" + text
	}
	return text
}

// Brief gives a number in at most four characters and a unit.
func Brief(n int) string {
	switch v := float64(n); {
	case n < 100_000:
		return Count(n)
	case n < 1e6:
		return fmt.Sprintf("%.0fk", v/1e3)
	case n < 1e8:
		return fmt.Sprintf("%.1fM", v/1e6)
	case n < 1e9:
		return fmt.Sprintf("%.0fM", v/1e6)
	}
	return fmt.Sprintf("%.1fG", float64(n)/1e9)
}

// Rate gives jobs a second; a dash for an unknown one.
func Rate(v float64) string {
	switch {
	case v < 0:
		return "–"
	case v == 0:
		return "0"
	case v < 0.01:
		return "<0.01"
	case v < 1:
		return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", v), "0"), ".")
	case v < 10:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
	}
	return Count(int64(v + 0.5))
}

// Size gives bytes.
func Size(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	v, i := float64(n)/unit, 0
	for v >= unit && i < 4 {
		v, i = v/unit, i+1
	}
	return fmt.Sprintf("%.1f %ciB", v, "KMGTP"[i])
}

// Rough gives a duration in its two largest units.
func Rough(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return two(int(d.Minutes()), "m", int(d.Seconds())%60, "s")
	case d < 24*time.Hour:
		return two(int(d.Hours()), "h", int(d.Minutes())%60, "m")
	}
	return two(int(d.Hours()/24), "d", int(d.Hours())%24, "h")
}

// Took gives how long something took: as Rough, but to a tenth of a second below ten.
func Took(d time.Duration) string {
	if d >= time.Second && d < 10*time.Second {
		return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0") + "s"
	}
	return Rough(d)
}

func two(a int, unit string, b int, smaller string) string {
	if b == 0 || a > 9 {
		return fmt.Sprintf("%d%s", a, unit)
	}
	return fmt.Sprintf("%d%s %d%s", a, unit, b, smaller)
}

// Moment is a time as a page shows it: from now, and exactly.
type Moment struct{ Rough, Exact, ISO string }

// When gives t as seen from now; the zero moment for the zero time.
func When(t, now time.Time) Moment {
	if t.IsZero() {
		return Moment{}
	}
	m := Moment{Exact: Exact(t), ISO: t.UTC().Format(time.RFC3339Nano)}
	switch d := now.Sub(t); {
	case d.Abs() < time.Second:
		m.Rough = "now"
	case d < 0:
		m.Rough = "in " + Rough(-d)
	default:
		m.Rough = Rough(d) + " ago"
	}
	return m
}

// Exact gives a time to the ms, as far as it has any.
func Exact(t time.Time) string {
	return strings.Replace(t.UTC().Format("2006-01-02 15:04:05.000 UTC"), ".000 ", " ", 1)
}

// Plural gives "1 job" or "2 jobs".
func Plural[N int | int64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + one + "s"
}

// Edges gives what a step of a flow comes after, and how where that is not plain.
func Edges(s *flow.StepInfo) string {
	all := slices.Clone(s.After)
	for _, name := range s.AfterEnd {
		all = append(all, name+" (any end)")
	}
	for _, name := range s.AfterHold {
		all = append(all, name+" (hold)")
	}
	return strings.Join(all, ", ")
}

// Percent gives how much a part is of all, 100 at most; of nothing it is 0.
func Percent(part, all int) int {
	if all <= 0 {
		return 0
	}
	return min(100, part*100/all)
}
