// Package report keeps what was measured and writes it down: as JSON, as a page with
// tables, and as plots.
package report

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

// Sample is one measured value.
type Sample struct {
	Condition string  `json:"condition"`
	Name      string  `json:"name"`
	Unit      string  `json:"unit"`
	System    string  `json:"system"`
	Value     float64 `json:"value"`
}

// Machine is where it was measured.
type Machine struct {
	Date    string `json:"date"`
	CPU     string `json:"cpu"`
	Cores   int    `json:"cores"`
	Memory  string `json:"memory"`
	Kernel  string `json:"kernel"`
	Go      string `json:"go"`
	Commit  string `json:"commit"`
	Command string `json:"command"`
}

// SystemNote is what is to be known of a system that was measured.
type SystemNote struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Store   string `json:"store"`
	About   string `json:"about"`
	NotRun  string `json:"not_run,omitempty"` // why
}

// Peers is one run of the systems side by side.
type Peers struct {
	Machine  Machine           `json:"machine"`
	Jobs     int               `json:"jobs"`
	ArgBytes int               `json:"arg_bytes"`
	Probes   int               `json:"probes"`
	Repeats  map[string]int    `json:"repeats"` // by condition
	Systems  []SystemNote      `json:"systems"`
	Failed   map[string]string `json:"failed,omitempty"` // cells that gave nothing, and why
	Samples  []Sample          `json:"samples"`
}

// Values are those of one figure.
func (p *Peers) Values(condition, name, system string) []float64 {
	var values []float64
	for _, s := range p.Samples {
		if s.Condition == condition && s.Name == name && s.System == system {
			values = append(values, s.Value)
		}
	}
	return values
}

// Ran are the systems of which there is something.
func (p *Peers) Ran() []string {
	var names []string
	for _, s := range p.Systems {
		if slices.ContainsFunc(p.Samples, func(x Sample) bool { return x.System == s.Name }) {
			names = append(names, s.Name)
		}
	}
	return names
}

// Conditions of which there is something, in the order in which they came.
func (p *Peers) Conditions() []string {
	return distinct(p.Samples, func(s Sample) string { return s.Condition })
}

// Figures of a condition: names and units, in the order in which they came.
func (p *Peers) Figures(condition string) (names, units []string) {
	for _, s := range p.Samples {
		if s.Condition == condition && !slices.Contains(names, s.Name) {
			names, units = append(names, s.Name), append(units, s.Unit)
		}
	}
	return names, units
}

// FigureRow is one figure of a condition, with a cell for each system that ran.
type FigureRow struct {
	Name, Unit string
	Cells      []string
}

// Rows are the figures of a condition.
func (p *Peers) Rows(condition string) []FigureRow {
	var rows []FigureRow
	names, units := p.Figures(condition)
	for i, name := range names {
		row := FigureRow{Name: name, Unit: units[i]}
		for _, system := range p.Ran() {
			cell := "-"
			if values := p.Values(condition, name, system); len(values) > 0 {
				cell = fmt.Sprintf("%s ±%.0f%%", Figure(Median(values)), Spread(values))
			}
			row.Cells = append(row.Cells, cell)
		}
		rows = append(rows, row)
	}
	return rows
}

func distinct(samples []Sample, key func(Sample) string) []string {
	var keys []string
	for _, s := range samples {
		if !slices.Contains(keys, key(s)) {
			keys = append(keys, key(s))
		}
	}
	return keys
}

// Median of values; 0 if there are none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}

// Spread is half of highest minus lowest, in percent of the median.
func Spread(values []float64) float64 {
	if len(values) == 0 || Median(values) == 0 {
		return 0
	}
	return (slices.Max(values) - slices.Min(values)) / 2 / Median(values) * 100
}

// Save writes raw figures as JSON.
func Save(file string, v any) error {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644) //nolint:gosec // to be read by everybody
}

// Load reads what Save wrote.
func Load(file string, v any) error {
	text, err := os.ReadFile(file) //nolint:gosec // the file that the caller asks for
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}
