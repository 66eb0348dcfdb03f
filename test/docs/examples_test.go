package docs_test

import (
	"go/ast"
	"go/doc"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// plain are methods and functions that need no example: what they do is in their names, or
// they are there for packages of the standard library to call.
var plain = regexp.MustCompile(`^(Error|Unwrap|Is|String|Validate.*|(Unm|M)arshal(JSON|Text))$`)

// unshown are those that have no example, for what they are.
var unshown = map[string]string{
	"EncodeArgs KindOf Resolve ResolveFresh Has Terms States Transitions Open Bind Recorder Extends": "for programs that are made of this module, such as a door of one's own",
	"As Record Audit Look CountQueues CountLimits QueueNames LimitsOf Latest FollowLog CountFor":     "for a dashboard of one's own",
	"StartAction RunAction RunActions StopAction Addr DeleteQueues Resync":                           "what others with an example do in another way",
	"Durable Quiet IsLastAttempt": "an example would need replicas, a signal, a job that has failed often",
}

// TestPublicNamesHaveExamples: each function and method that programs call is called in an
// example that runs.
func TestPublicNamesHaveExamples(t *testing.T) {
	t.Parallel()
	all := publics(t)
	called := map[string]bool{}
	for _, p := range all {
		for _, e := range p.examples {
			if e.Output == "" && !e.EmptyOutput && p.path != "outbox/outboxpgx" { // that needs a PostgreSQL
				t.Errorf("%s: example %s does not run: it has no output", p.path, e.Name)
			}
			ast.Inspect(e.Code, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					called[s.Sel.Name] = true
				}
				return true
			})
		}
	}
	for names := range unshown {
		for name := range strings.FieldsSeq(names) {
			if called[name] {
				t.Errorf("%s has an example; want it taken out of those that have none", name)
			}
			called[name] = true
		}
	}
	for _, p := range all {
		var missing []string
		want := func(of string, funcs []*doc.Func) {
			for _, f := range funcs {
				if !plain.MatchString(f.Name) && !called[f.Name] {
					missing = append(missing, of+f.Name)
				}
			}
		}
		want("", p.doc.Funcs)
		for _, of := range p.doc.Types {
			want("", of.Funcs)
			want(of.Name+".", of.Methods)
		}
		if slices.Sort(missing); len(missing) > 0 {
			t.Errorf("%s: no example that runs has %s", p.path, strings.Join(missing, ", "))
		}
	}
}
