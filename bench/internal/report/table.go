package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Print writes the tables for a terminal.
func (p *Peers) Print(out io.Writer) {
	for _, condition := range p.Conditions() {
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		_, _ = fmt.Fprintf(w, "%s\t%s\t\n", condition, strings.Join(p.Ran(), "\t±\t")+"\t±")
		names, units := p.Figures(condition)
		for i, name := range names {
			_, _ = fmt.Fprintf(w, "%s (%s)\t", name, units[i])
			for _, system := range p.Ran() {
				values := p.Values(condition, name, system)
				if len(values) == 0 {
					_, _ = fmt.Fprint(w, "-\t\t")
					continue
				}
				_, _ = fmt.Fprintf(w, "%s\t%.0f%%\t", Figure(Median(values)), Spread(values))
			}
			_, _ = fmt.Fprintln(w)
		}
		_ = w.Flush()
		_, _ = fmt.Fprintln(out)
	}
	for _, s := range p.Systems {
		if s.NotRun != "" {
			_, _ = fmt.Fprintf(out, "%s: not run: %s\n", s.Name, s.NotRun)
		}
	}
	for cell, why := range p.Failed {
		_, _ = fmt.Fprintf(out, "%s: failed: %s\n", cell, why)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, v := range p.Judge() {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", v.Name, v.Target, v.Measured, strings.ReplaceAll(v.Outcome, "*", ""))
	}
	_ = w.Flush()
}

// Print writes the curves and tables for a terminal.
func (c *Curves) Print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, curve := range c.Curves {
		_, _ = fmt.Fprintf(w, "\n%s, by %s\n", curve.Title, curve.X)
		for _, s := range curve.Series {
			_, _ = fmt.Fprintf(w, "%s (%s)", s.Name, s.Unit)
			for _, p := range s.Points {
				_, _ = fmt.Fprintf(w, "\t%s: %s", Figure(p.X), Figure(p.Y))
			}
			_, _ = fmt.Fprintln(w)
		}
	}
	for _, table := range c.Tables {
		_, _ = fmt.Fprintf(w, "\n%s\n%s\n", table.Title, strings.Join(table.Header, "\t"))
		for _, row := range table.Rows {
			_, _ = fmt.Fprint(w, row.Label)
			for _, v := range row.Values {
				_, _ = fmt.Fprintf(w, "\t%s", Figure(v))
			}
			_, _ = fmt.Fprintln(w)
		}
	}
	_ = w.Flush()
	for curve, why := range c.Failed {
		_, _ = fmt.Fprintf(out, "%s: failed: %s\n", curve, why)
	}
}

// Figure writes a number with three digits that matter, thousands apart.
func Figure(v float64) string {
	switch {
	case v >= 1000:
		text := fmt.Sprintf("%.0f", v)
		for i := len(text) - 3; i > 0; i -= 3 {
			text = text[:i] + "," + text[i:]
		}
		return text
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 0.01 || v <= 0:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.2g", v)
}
