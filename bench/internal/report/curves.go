package report

// Curves are how costs grow, one size after the other.
type Curves struct {
	Machine Machine           `json:"-"` // of this run; Put hands it to what was measured
	Curves  []Curve           `json:"curves"`
	Tables  []Table           `json:"tables"`
	Failed  map[string]string `json:"failed,omitempty"` // and why
}

// Curve is one size that was varied, and what was measured at each.
type Curve struct {
	Name    string   `json:"name"` // of its file
	Machine Machine  `json:"machine"`
	Title   string   `json:"title"`
	X       string   `json:"x"` // with its unit
	About   string   `json:"about"`
	Series  []Series `json:"series"`
}

// Series is one figure along a curve.
type Series struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit"`
	Points []Point `json:"points"`
}

// Point is the median of a few values at one size.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// Table are figures that are no curve.
type Table struct {
	Name    string   `json:"name"`
	Machine Machine  `json:"machine"`
	Title   string   `json:"title"`
	About   string   `json:"about"`
	Header  []string `json:"header"` // with units; the first names the rows
	Rows    []Row    `json:"rows"`
}

// Row is one line of a table.
type Row struct {
	Label  string    `json:"label"`
	Values []float64 `json:"values"`
}

// Add puts a value at the end of one series of the curve.
func (c *Curve) Add(name, unit string, x, y float64) {
	for i := range c.Series {
		if c.Series[i].Name == name {
			c.Series[i].Points = append(c.Series[i].Points, Point{x, y})
			return
		}
	}
	c.Series = append(c.Series, Series{name, unit, []Point{{x, y}}})
}

// Put replaces the curve or table of the same name, so that parts can be measured
// again, elsewhere or by a later version: each keeps where it was measured.
func (c *Curves) Put(more *Curves) {
	c.Failed = more.Failed
	for _, curve := range more.Curves {
		curve.Machine = more.Machine
		c.Curves = put(c.Curves, curve, func(x Curve) string { return x.Name })
	}
	for _, table := range more.Tables {
		table.Machine = more.Machine
		c.Tables = put(c.Tables, table, func(x Table) string { return x.Name })
	}
}

func put[T any](list []T, v T, name func(T) string) []T {
	for i := range list {
		if name(list[i]) == name(v) {
			list[i] = v
			return list
		}
	}
	return append(list, v)
}
