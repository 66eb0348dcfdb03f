package deploy_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// panel is a part of the dashboard.
type panel struct {
	ID      int
	Type    string
	Title   string
	GridPos struct{ X, Y, W, H int }
	Targets []struct{ Expr string }
}

func panels(t *testing.T) []panel {
	t.Helper()
	var board struct {
		Title  string
		Panels []panel
	}
	if err := json.Unmarshal([]byte(read(t, "grafana/dashboards/drayhorse.json")), &board); err != nil {
		t.Fatal(err)
	}
	return board.Panels
}

// TestPanelsFit: each has a number, a title and queries of its own, and covers no other.
func TestPanelsFit(t *testing.T) {
	t.Parallel()
	ids, taken := map[int]string{}, map[[2]int]string{}
	for _, p := range panels(t) {
		if ids[p.ID] != "" || p.Title == "" || p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %d %q lacks a title or a query, or has the number of %q", p.ID, p.Title, ids[p.ID])
		}
		ids[p.ID] = p.Title
		if p.GridPos.W < 1 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %q is outside of the 24 columns", p.Title)
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if taken[at] != "" {
					t.Fatalf("panel %q covers %q", p.Title, taken[at])
				}
				taken[at] = p.Title
			}
		}
	}
}

// queries are those of all panels, with values in place of Grafana's variables.
func queries(t *testing.T) []string {
	t.Helper()
	values := strings.NewReplacer("$__rate_interval", "1m", "$namespace", "a", "$queue", "b")
	var all []string
	for _, p := range panels(t) {
		for _, target := range p.Targets {
			all = append(all, values.Replace(target.Expr))
		}
	}
	return all
}

// TestQueriesAreValid has promtool read the queries of the dashboard, as rules that
// record them.
func TestQueriesAreValid(t *testing.T) {
	t.Parallel()
	var file strings.Builder
	file.WriteString("groups:\n- name: dashboard\n  rules:\n")
	for i, query := range queries(t) {
		fmt.Fprintf(&file, "  - {record: 'query:%d', expr: '%s'}\n", i, query)
	}
	if out, err := tool(t, "promtool", ".", "check", "rules", write(t, "dashboard.yml", file.String())); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
