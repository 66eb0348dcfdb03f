package deploy_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	row      = regexp.MustCompile("(?m)^\\| `(drayhorse_[a-z_]+)` \\| ([a-z]+) \\| ([a-z_, `]*) ?\\|")
	used     = regexp.MustCompile(`drayhorse_[a-z_]+`)
	selector = regexp.MustCompile(`(drayhorse_[a-z_]+)\{([^}]*)\}`)
	matcher  = regexp.MustCompile(`([a-z_]+)(?:=~|!~|!=|=)"`)
	grouping = regexp.MustCompile(`\b(?:by|on) \(([a-z_, ]*)\)`)
)

// ofTargets are the labels that come from the scrape, not from the program.
var ofTargets = []string{"namespace", "job", "instance"}

// documented are the metrics that the docs list, with their labels.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, page := range []string{"metrics", "scheduler", "http"} {
		for _, m := range row.FindAllStringSubmatch(read(t, "../docs/"+page+".md"), -1) {
			labels := strings.FieldsFunc(m[3], func(r rune) bool { return strings.ContainsRune(", `", r) })
			all[m[1]] = labels
			if m[2] == "histogram" {
				all[m[1]+"_bucket"], all[m[1]+"_count"], all[m[1]+"_sum"] = append(labels, "le"), labels, labels
				delete(all, m[1])
			}
		}
	}
	return all
}

// TestMetricsExist: rules and dashboard ask for documented metrics, which the programs'
// own tests hold to the code, and by labels that these have.
func TestMetricsExist(t *testing.T) {
	t.Parallel()
	metrics := documented(t)
	asked := queries(t)
	for _, r := range rules(t) {
		asked = append(asked, r.Expr)
	}
	for _, query := range asked {
		labels := slices.Clone(ofTargets)
		for _, name := range used.FindAllString(query, -1) {
			if _, known := metrics[name]; !known {
				t.Errorf("%s is in no table of docs: %s", name, query)
			}
			labels = append(labels, metrics[name]...)
		}
		for _, s := range selector.FindAllStringSubmatch(query, -1) {
			for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
				if !slices.Contains(metrics[s[1]], m[1]) && !slices.Contains(ofTargets, m[1]) {
					t.Errorf("%s has no label %s: %s", s[1], m[1], query)
				}
			}
		}
		for _, g := range grouping.FindAllStringSubmatch(query, -1) {
			for label := range strings.SplitSeq(g[1], ", ") {
				if !slices.Contains(labels, label) {
					t.Errorf("no metric has the label %s: %s", label, query)
				}
			}
		}
	}
}
