package report

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/bench/internal/measure"
)

func TestTargetsAreJudged(t *testing.T) {
	judge := func(own, other float64) Verdict {
		p := &Peers{Samples: []Sample{
			{Near, measure.Drain(100), "jobs/s", "drayhorse", own},
			{Near, measure.Drain(100), "jobs/s", "asynq", other},
			{Near, measure.CycleCPU, "s", "drayhorse", own},
			{Near, measure.CycleCPU, "s", "asynq", other},
		}}
		return p.Judge()[0]
	}
	if v := judge(120, 10); v.Outcome != "met" {
		t.Errorf("12 times asynq: %s", v.Outcome)
	}
	if v := judge(60, 10); !strings.Contains(v.Outcome, "not met") || !strings.Contains(v.Outcome, "50 %") {
		t.Errorf("6 times asynq: %s", v.Outcome)
	}
	if v := (&Peers{}).Judge()[0]; v.Outcome != "not measured" {
		t.Errorf("nothing measured: %s", v.Outcome)
	}
	if v := verdict("CPU", "asynq", 0.2, 0, 0.1, true); !strings.Contains(v.Outcome, "50 %") {
		t.Errorf("twice what is allowed: %s", v.Outcome)
	}
}

func TestMedianAndSpread(t *testing.T) {
	if m := Median([]float64{9, 1, 2}); m != 2 {
		t.Errorf("median of three: %v", m)
	}
	if m := Median([]float64{4, 1, 2, 9}); m != 3 {
		t.Errorf("median of four: %v", m)
	}
	if s := Spread([]float64{8, 10, 12}); s != 20 {
		t.Errorf("spread: %v", s)
	}
}

func TestCurvesKeepWhereTheyWereMeasured(t *testing.T) {
	dir := t.TempDir()
	measured := func(commit string, names ...string) {
		t.Helper()
		c := &Curves{Machine: Machine{Commit: commit}, Tables: []Table{{Name: "idle of " + commit}}}
		for _, name := range names {
			c.Curves = append(c.Curves, Curve{Name: name, Title: name, Series: []Series{{"drain", "jobs/s", []Point{{1, 2}, {2, 3}}}}})
		}
		if err := SaveCurves(dir, c); err != nil {
			t.Fatal(err)
		}
	}
	measured("before", "backlog", "args")
	measured("after", "args")
	var all Curves
	if err := Load(filepath.Join(dir, scaleFile), &all); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, c := range all.Curves {
		got[c.Name] = c.Machine.Commit
	}
	for _, table := range all.Tables {
		got[table.Name] = table.Machine.Commit
	}
	want := map[string]string{"backlog": "before", "args": "after", "idle of before": "before", "idle of after": "after"}
	if !maps.Equal(got, want) {
		t.Errorf("curves and tables were measured at %v; want %v", got, want)
	}
}

func TestPageNamesWhatWasNotRun(t *testing.T) {
	dir := t.TempDir()
	peers := &Peers{
		Repeats: map[string]int{Near: 1},
		Systems: []SystemNote{{Name: "drayhorse"}, {Name: "river", NotRun: "no PostgreSQL"}},
		Samples: []Sample{{Near, measure.Drain(100), "jobs/s", "drayhorse", 123_456}},
	}
	curves := &Curves{
		Curves: []Curve{{Name: "backlog", Title: "Backlog", X: "jobs", Series: []Series{{"drain", "jobs/s", []Point{{1e5, 100}, {1e7, 50}}}}}},
		Failed: map[string]string{"queues": "too many"},
	}
	if err := SavePeers(dir, peers); err != nil {
		t.Fatal(err)
	}
	if err := SaveCurves(dir, curves); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"no PostgreSQL", "too many", "123,456", "50.0 at 10M (0.50×)", "**not met**: 56 %"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, plot := range []string{"drain.svg", "scale-backlog.svg"} {
		if _, err := os.Stat(filepath.Join(dir, plot)); err != nil {
			t.Error(err)
		}
	}
}
