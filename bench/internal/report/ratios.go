package report

import "github.com/drayhorse/drayhorse/bench/internal/measure"

// Ratio is a row of the table at the top: one figure of Drayhorse beside all others.
type Ratio struct {
	Name, Own string
	Cells     []string // one for each of Others
}

// compared are the rows of that table.
var compared = []struct {
	name, condition, figure string
	less                    bool
}{
	{"jobs finished in a second, 100 handlers", Near, measure.Drain(100), false},
	{"the same with 10 handlers", Near, measure.Drain(10), false},
	{"the same, store 1 ms away, 100 handlers", Far, measure.Drain(100), false},
	{"jobs enqueued in a second, 32 goroutines", Near, measure.EnqueueMany, false},
	{"the same from 1 goroutine", Near, measure.EnqueueOne, false},
	{"the same in bulk", Near, measure.EnqueueBulk, false},
	{"wait for an idle worker, median, ms", Near, measure.LatencyP50, true},
	{"CPU seconds for 100,000 jobs, program and store", Near, measure.CycleCPU, true},
	{"bytes of a waiting job", Near, measure.Bytes, true},
}

// Others are the systems that Drayhorse is compared with.
func (p *Peers) Others() []string {
	var others []string
	for _, system := range p.Ran() {
		if system != Product && system != limit {
			others = append(others, system)
		}
	}
	return others
}

// Ratios are how many times as good as theirs Drayhorse's figures are.
func (p *Peers) Ratios() []Ratio {
	var rows []Ratio
	for _, c := range compared {
		ours := Median(p.Values(c.condition, c.figure, Product))
		if ours == 0 {
			continue
		}
		row := Ratio{Name: c.name, Own: Figure(ours)}
		for _, system := range p.Others() {
			cell := "-"
			if theirs := Median(p.Values(c.condition, c.figure, system)); theirs > 0 {
				multiple := better(ours, theirs, c.less)
				cell = times(multiple)
				if multiple < 1 {
					cell = "**" + cell + "**"
				}
			}
			row.Cells = append(row.Cells, cell)
		}
		rows = append(rows, row)
	}
	return rows
}
