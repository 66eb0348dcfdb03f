package dashboard

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/drayhorse/drayhorse/flow"
)

// NewAt makes a handler whose sessions go by a clock.
func NewAt(cfg Config, clock func() time.Time) (http.Handler, error) { return newDashboard(cfg, clock) }

// ActionNames are those of all actions.
func ActionNames() (all []string) {
	for _, a := range actions {
		all = append(all, a.Name)
	}
	return all
}

// Route is one of the table, for tests that walk it.
type Route struct {
	Method, Path string
	Params       []string
	Changes      bool
}

// Routes gives the table of a handler.
func Routes(h http.Handler) (all []Route) {
	for _, methods := range h.(*dashboard).table {
		for _, r := range methods {
			all = append(all, Route{r.method, r.path, r.params, r.changes})
		}
	}
	return all
}

// Headers are those of every answer.
func Headers() map[string]string { return headers }

// Mask gives JSON with fields masked.
func Mask(more []string, raw string) string {
	got, _ := newMasks(more).mask(json.RawMessage(raw))
	return string(got)
}

// Graph gives where the steps of a flow are drawn, by name, its lines, and how large it is.
func Graph(steps []*flow.StepInfo) (places map[string][2]int, lines []string, width, height int) {
	g := drawFlow(steps, time.Now())
	if g == nil {
		return nil, nil, 0, 0
	}
	places = map[string][2]int{}
	for i, b := range g.Boxes {
		places[steps[i].Name] = [2]int{b.X, b.Y}
	}
	for _, l := range g.Lines {
		lines = append(lines, l.Path)
	}
	return places, lines, g.Width, g.Height
}
