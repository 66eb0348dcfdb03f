package main

import (
	"fmt"
	"io"
	"slices"
	"syscall"
	"text/tabwriter"
)

// table gathers values by measure and system.
type table struct {
	rows []*row
}

type row struct {
	measure, unit string
	values        map[string][]float64 // by system
}

func (t *table) add(measure, unit, system string, value float64) {
	for _, r := range t.rows {
		if r.measure == measure {
			r.values[system] = append(r.values[system], value)
			return
		}
	}
	t.rows = append(t.rows, &row{measure, unit, map[string][]float64{system: {value}}})
}

// print writes medians, their spread (half of highest minus lowest, in percent) and
// the ratio of the first system to each other one.
func (t *table) print(out io.Writer, systems []system) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "measure\t")
	for i, s := range systems {
		fmt.Fprintf(w, "%s\t±\t", s.name)
		if i > 0 {
			fmt.Fprintf(w, "%s / %s\t", systems[0].name, s.name)
		}
	}
	fmt.Fprintln(w)
	for _, r := range t.rows {
		fmt.Fprintf(w, "%s (%s)\t", r.measure, r.unit)
		first := median(r.values[systems[0].name])
		for i, s := range systems {
			values := r.values[s.name]
			if len(values) == 0 {
				fmt.Fprint(w, "-\t\t")
			} else {
				fmt.Fprintf(w, "%s\t%.0f%%\t", figure(median(values)), spread(values))
			}
			if i > 0 {
				ratio := "-"
				if len(values) > 0 {
					ratio = fmt.Sprintf("%.2f", first/median(values))
				}
				fmt.Fprintf(w, "%s\t", ratio)
			}
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush()
}

func figure(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func spread(values []float64) float64 {
	return (slices.Max(values) - slices.Min(values)) / 2 / median(values) * 100
}

// ownCPU is how many CPU seconds this process has used.
func ownCPU() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}
