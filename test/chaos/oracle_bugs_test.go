package chaos

import (
	"slices"
	"strconv"
	"testing"
	"time"
)

// A tale is a history made by hand, in order.
type tale struct {
	events history
	execs  int
}

func (t *tale) add(w what, key string, change ...func(*event)) *tale {
	e := event{At: time.Unix(int64(len(t.events)), 0), What: w, Key: key, Kind: "fast", ID: key}
	for _, c := range change {
		c(&e)
	}
	t.events = append(t.events, e)
	return t
}

func failingKind(e *event)       { e.Kind = "failing" }
func attempt(n int) func(*event) { return func(e *event) { e.Attempt, e.Exec = n, strconv.Itoa(n) } }

func said(text string) func(*event) { return func(e *event) { e.Said = text } }

// run is an execution from its begin to its end.
func (t *tale) run(key, outcome string) *tale {
	t.execs++
	exec := func(e *event) { e.Exec, e.Attempt = strconv.Itoa(t.execs), 1 }
	return t.add(began, key, exec).add(ended, key, exec, said(outcome))
}

// close is the auditor's word on a job that the last execution completed.
func (t *tale) close(key string) *tale {
	return t.add(closed, key, said("completed"), func(e *event) { e.Exec = strconv.Itoa(t.execs) })
}

func (t *tale) counted(n int) *tale {
	return t.add(totals, "", func(e *event) { e.Attempt = n })
}

// good is a job that goes well.
func (t *tale) good(key string) *tale {
	return t.add(attempted, key).add(acknowledged, key).run(key, "completed").close(key)
}

// TestOracle has a history for each bug that the oracle is there to find.
func TestOracle(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tale *tale
		want verdict
	}{
		"all is well": {
			tale: new(tale).good("a").good("b").counted(2),
			want: verdict{},
		},
		"bare pop: the job went with its worker": {
			tale: new(tale).good("a").add(attempted, "b").add(acknowledged, "b").counted(1),
			want: verdict{Lost: []string{"b"}},
		},
		"bare pop in the midst of a run": {
			tale: new(tale).good("a").add(attempted, "b").add(acknowledged, "b").add(began, "b").counted(1),
			want: verdict{Faults: []string{"b (fast): ran and is in no state at the end"}},
		},
		"release with a plain DEL: the two leaders that it makes fire the next tick both": {
			tale: new(tale).add(expected, "tick@1").run("tick@1", "completed").close("tick@1").
				run("tick@1", "completed").close("tick@1").counted(2),
			want: verdict{Duplicated: []string{"tick@1"}, Rerun: []string{"tick@1"}},
		},
		"renew in two steps: a leader that was out fires what another has fired, and nobody knows both": {
			tale: new(tale).add(expected, "tick@1").run("tick@1", "completed").run("tick@1", "completed").close("tick@1").counted(2),
			want: verdict{Rerun: []string{"tick@1"}, Duplicated: []string{"Redis counts 2 ends of 1 jobs"}},
		},
		"a tick that nobody fired": {
			tale: new(tale).add(expected, "tick@1").counted(0),
			want: verdict{Lost: []string{"tick@1"}},
		},
		"a tick that is not one": {
			tale: new(tale).run("tick@1", "completed").close("tick@1").counted(1),
			want: verdict{Unexpected: []string{"tick@1"}},
		},
		"finish without token: both finishes of a job count": {
			tale: new(tale).add(attempted, "a").add(acknowledged, "a").run("a", "completed").run("a", "completed").
				close("a").counted(2),
			want: verdict{Rerun: []string{"a"}, Duplicated: []string{"Redis counts 2 ends of 1 jobs"}},
		},
		"finish without token: the record is of an execution that failed": {
			tale: new(tale).add(attempted, "a").add(acknowledged, "a").run("a", "completed").run("a", "failed").
				close("a").counted(1),
			want: verdict{
				Rerun:  []string{"a"},
				Faults: []string{`a (fast): its result is of execution 2, which ended as "failed"`},
			},
		},
		"retry of a push that is not repeatable: two copies": {
			tale: new(tale).add(attempted, "a").add(acknowledged, "a").run("a", "completed").close("a").
				run("a", "completed").close("a").counted(2),
			want: verdict{Duplicated: []string{"a"}, Rerun: []string{"a"}},
		},
		"it said that nothing was stored": {
			tale: new(tale).add(attempted, "a").add(rejected, "a").run("a", "completed").close("a").counted(1),
			want: verdict{Unexpected: []string{"a"}},
		},
		"a call that failed may have happened": {
			tale: new(tale).add(attempted, "a").add(unsure, "a").run("a", "completed").close("a").counted(1),
			want: verdict{Recovered: []string{"a"}},
		},
		"so may one whose producer died before the answer": {
			tale: new(tale).add(attempted, "a").run("a", "completed").close("a").counted(1),
			want: verdict{Recovered: []string{"a"}},
		},
		"or not": {
			tale: new(tale).add(attempted, "a").add(unsure, "a").counted(0),
			want: verdict{},
		},
		"cancelled before it ran": {
			tale: new(tale).add(attempted, "a", func(e *event) { e.Kind = "cancelling" }).
				add(acknowledged, "a", func(e *event) { e.Kind = "" }).
				add(wished, "a", func(e *event) { e.Kind = "" }).
				add(closed, "a", said("cancelled"), func(e *event) { e.Kind = "" }).counted(1),
			want: verdict{},
		},
		"cancelled, and nobody wished it": {
			tale: new(tale).add(attempted, "a").add(acknowledged, "a").add(closed, "a", said("cancelled")).counted(1),
			want: verdict{Lost: []string{"a"}, Faults: []string{"a (fast): ended as cancelled, want one of [completed]"}},
		},
		"completed by nobody": {
			tale: new(tale).add(attempted, "a").add(acknowledged, "a").run("a", "completed").
				add(closed, "a", said("completed")).counted(1),
			want: verdict{Faults: []string{"a (fast): completed by nobody"}},
		},
		"a rescue that costs an attempt": {
			tale: new(tale).add(attempted, "a", failingKind).add(acknowledged, "a", failingKind).
				add(began, "a", failingKind, attempt(1)).add(began, "a", failingKind, attempt(2)).counted(0),
			want: verdict{Faults: []string{"a (failing): attempt 2, and attempt 1 did not fail", "a (failing): ran and is in no state at the end"}},
		},
		"still there": {
			tale: new(tale).add(attempted, "a").add(acknowledged, "a").run("a", "failed").add(open, "a", said("running")).counted(0),
			want: verdict{Faults: []string{"a (fast): still running"}},
		},
		"a key without an owner": {
			tale: new(tale).good("a").counted(1).add(stray, "", said("ns:{default}:leases")),
			want: verdict{Faults: []string{"a key that nothing owns: ns:{default}:leases"}},
		},
		"a snooze is no re-run": {
			tale: new(tale).add(attempted, "a").add(acknowledged, "a").run("a", "snoozed").run("a", "completed").close("a").counted(1),
			want: verdict{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := judge(c.tale.events)
			for field, pair := range map[string][2][]string{
				"lost": {got.Lost, c.want.Lost}, "unexpected": {got.Unexpected, c.want.Unexpected},
				"duplicated": {got.Duplicated, c.want.Duplicated}, "re-run": {got.Rerun, c.want.Rerun},
				"recovered": {got.Recovered, c.want.Recovered}, "faults": {got.Faults, c.want.Faults},
			} {
				if !slices.Equal(pair[0], pair[1]) {
					t.Errorf("%s = %q, want %q", field, pair[0], pair[1])
				}
			}
		})
	}
}
