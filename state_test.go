package drayhorse_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
)

var update = flag.Bool("update", false, "write the picture in docs/lifecycle.md anew")

const lifecycle = "docs/lifecycle.md"

// picture draws the state machine as the docs show it.
func picture() string {
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n")
	for _, t := range drayhorse.Transitions() {
		nowhere := drayhorse.State("[*]")
		fmt.Fprintf(&b, "    %s --> %s: %s\n", cmp.Or(t.From, nowhere), cmp.Or(t.To, nowhere), t.Event)
	}
	b.WriteString("```\n")
	return b.String()
}

func TestLifecycleShowsTheTransitions(t *testing.T) {
	text, err := os.ReadFile(lifecycle)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), "```mermaid\n")
	_, after, ok2 := strings.Cut(rest, "```\n")
	if !ok || !ok2 {
		t.Fatalf("%s has no picture", lifecycle)
	}
	want := before + picture() + after
	if *update {
		if err := os.WriteFile(lifecycle, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(text) {
		t.Errorf("the picture in %s is not that of Transitions; run: go test -run Lifecycle . -update", lifecycle)
	}
}

func TestTransitionsAreSound(t *testing.T) {
	reached := map[drayhorse.State]bool{"": true}
	seen := map[drayhorse.Transition]bool{}
	for _, tr := range drayhorse.Transitions() {
		if seen[tr] {
			t.Errorf("%v is there twice", tr)
		}
		seen[tr] = true
		reached[tr.To] = true
		if tr.From.Ended() && tr.Event != drayhorse.EventRetry && tr.To != "" {
			t.Errorf("%v leaves an ended state by itself", tr)
		}
	}
	for _, s := range drayhorse.States() {
		if !reached[s] {
			t.Errorf("nothing leads to %s", s)
		}
	}
}
