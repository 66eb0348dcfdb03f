package dashboard

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drayhorse/drayhorse/flow"
	"github.com/drayhorse/drayhorse/internal/figures"
	"github.com/drayhorse/drayhorse/internal/printable"
)

// Of graphs. Lengths are in the units of the box, which are pixels where there is room.
const (
	mostDrawn  = 150 // steps
	boxWidth   = 168
	boxHeight  = 44
	columnGap  = 56
	rowGap     = 14
	graphEdge  = 8 // around it
	nameShown  = 17
	sortRounds = 8
)

// graph is the steps of a flow from left to right, each in a column behind all that it comes after.
type graph struct {
	Width, Height int
	Boxes         []*box
	Lines         []wire
	Label         string // what a screen reader says
}

// box is a step.
type box struct {
	Name, Full string // as it fits into the box, and all that is to be said
	Note       string // below the name
	State      flow.StepState
	Link       string // to its job; "": there is none
	X, Y       int    // of its corner

	column, row int
	before      []*box // that lines come from; some are places that a line only passes
	passed      bool   // it is such a place
}

// wire is a line from one step to another that comes after it.
type wire struct {
	Path  string
	State flow.StepState // of the step that it comes from
	Kind  string         // one of wireKinds
}

// wireKinds are the sorts of lines, and what each says.
var wireKinds = map[string]string{"after": "after", "end": "after any end", "hold": "waits until it is mended"}

// drawFlow lays the steps of a flow out, which come in an order in which each is behind those that it comes after. nil:
// there are too many.
//
// It is the method of layers: the column of a step is the length of the longest way to it, a line that goes over
// columns gets a place in each, and the order in a column follows the middle of what lines lead to. After Sugiyama,
// Tagawa and Toda, Methods for visual understanding of hierarchical system structures, 1981.
func drawFlow(steps []*flow.StepInfo, now time.Time) *graph {
	if len(steps) > mostDrawn {
		return nil
	}
	g, by := &graph{}, make(map[string]*box, len(steps))
	var columns [][]*box
	put := func(b *box) {
		for len(columns) <= b.column {
			columns = append(columns, nil)
		}
		b.row = len(columns[b.column])
		columns[b.column] = append(columns[b.column], b)
	}
	type edge struct {
		way  []*box // from the one over the places to the other
		kind string
	}
	var edges []edge
	for _, s := range steps {
		b := boxOf(s, now)
		by[s.Name] = b
		sorts := map[string][]string{"after": s.After, "end": s.AfterEnd, "hold": s.AfterHold}
		for _, names := range sorts {
			for _, name := range names {
				if from := by[name]; from != nil {
					b.column = max(b.column, from.column+1)
				}
			}
		}
		put(b)
		g.Boxes = append(g.Boxes, b)
		for _, kind := range []string{"after", "end", "hold"} {
			for _, name := range sorts[kind] {
				from := by[name]
				if from == nil {
					continue
				}
				way := []*box{from}
				for at := from.column + 1; at < b.column; at++ {
					place := &box{column: at, passed: true, before: []*box{way[len(way)-1]}}
					put(place)
					way = append(way, place)
				}
				b.before = append(b.before, way[len(way)-1])
				edges = append(edges, edge{append(way, b), kind})
			}
		}
	}
	order(columns)
	for _, column := range columns {
		g.Height = max(g.Height, 2*graphEdge+len(column)*(boxHeight+rowGap)-rowGap)
	}
	g.Width = 2*graphEdge + len(columns)*(boxWidth+columnGap) - columnGap
	for _, column := range columns {
		top := (g.Height - len(column)*(boxHeight+rowGap) + rowGap) / 2
		for i, b := range column {
			b.X, b.Y = graphEdge+b.column*(boxWidth+columnGap), top+i*(boxHeight+rowGap)
		}
	}
	for _, e := range edges {
		g.Lines = append(g.Lines, wire{pathOf(e.way), e.way[0].State, e.kind})
	}
	g.Label = fmt.Sprintf("%s in %s", figures.Plural(len(steps), "step"), figures.Plural(len(columns), "column"))
	return g
}

// order sorts each column by the middle of what its lines come from, then of what they lead to, a few times.
func order(columns [][]*box) {
	after := map[*box][]*box{}
	for _, column := range columns {
		for _, b := range column {
			for _, from := range b.before {
				after[from] = append(after[from], b)
			}
		}
	}
	sort := func(column []*box, beside func(b *box) []*box) {
		middle := make(map[*box]float64, len(column))
		for _, b := range column {
			middle[b] = float64(b.row)
			if others := beside(b); len(others) > 0 {
				sum := 0
				for _, o := range others {
					sum += o.row
				}
				middle[b] = float64(sum) / float64(len(others))
			}
		}
		slices.SortStableFunc(column, func(a, b *box) int { return cmp.Compare(middle[a], middle[b]) })
		for i, b := range column {
			b.row = i
		}
	}
	for range sortRounds {
		for _, column := range columns {
			sort(column, func(b *box) []*box { return b.before })
		}
		for _, column := range slices.Backward(columns) {
			sort(column, func(b *box) []*box { return after[b] })
		}
	}
	for _, column := range columns {
		sort(column, func(b *box) []*box { return b.before })
	}
}

// pathOf is the line over some boxes and places.
func pathOf(way []*box) string {
	var path strings.Builder
	x, y := way[0].X+boxWidth, way[0].Y+boxHeight/2
	fmt.Fprintf(&path, "M%d %d", x, y)
	for _, b := range way[1:] {
		toX, toY := b.X, b.Y+boxHeight/2
		fmt.Fprintf(&path, "C%d %d %d %d %d %d", x+columnGap/2, y, toX-columnGap/2, toY, toX, toY)
		if x, y = toX, toY; b.passed {
			x += boxWidth
			fmt.Fprintf(&path, "H%d", x)
		}
	}
	return path.String()
}

func boxOf(s *flow.StepInfo, now time.Time) *box {
	row := rowOfStep(s, now)
	b := &box{Name: s.Name, State: s.State, Link: row.Job, Note: string(s.State)}
	if len(s.Name) > nameShown {
		b.Name = printable.Head(s.Name, nameShown-1) + "…"
	}
	switch {
	case s.Kind == "" && s.State == flow.StepRunning:
		b.Note = "waits for its signal"
	case row.Took != "":
		b.Note += " · " + row.Took
	}
	if s.Run > 1 {
		b.Note += fmt.Sprintf(" · run %d", s.Run)
	}
	b.Full = fmt.Sprintf("%s: %s", s.Name, b.Note)
	if s.Kind != "" {
		b.Full += fmt.Sprintf(", kind %s in queue %s", s.Kind, s.Queue)
	}
	return b
}
