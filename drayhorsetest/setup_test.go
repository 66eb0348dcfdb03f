package drayhorsetest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
)

type rawJob = drayhorse.Job[json.RawMessage]

var adminAll admin.Filter

// exampleT stands for the *testing.T of a test in an Example, which has none.
type exampleT struct {
	testing.TB
	cleanups []func()
}

func newT() *exampleT { return &exampleT{} }

func (t *exampleT) done() {
	for _, f := range slices.Backward(t.cleanups) {
		f()
	}
}

func (t *exampleT) Helper()                           {}
func (t *exampleT) Cleanup(f func())                  { t.cleanups = append(t.cleanups, f) }
func (t *exampleT) Context() context.Context          { return context.Background() }
func (t *exampleT) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }
func (t *exampleT) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (t *exampleT) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// failing is a test that is seen to fail. What it does is a test's own.
type failing struct {
	testing.TB
	said string
}

// failure is what a failing test panics with.
type failure struct{}

func (f *failing) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	panic(failure{})
}

func (f *failing) Fatal(args ...any) { f.Fatalf("%s", fmt.Sprint(args...)) }

// fails gives what a test says that do ends.
func fails(t *testing.T, do func(tb testing.TB)) (said string) {
	t.Helper()
	f := &failing{TB: t}
	defer func() {
		if r := recover(); r != nil && r != (failure{}) {
			panic(r)
		}
		if said = f.said; said == "" {
			t.Error("the test passes; want it to fail")
		}
	}()
	do(f)
	return ""
}

// says has a message be what is wanted, in which ID stands for the jobs' own.
func says(t *testing.T, got string, ids map[string]string, want string) {
	t.Helper()
	for id, name := range ids {
		got = strings.ReplaceAll(got, id, name)
	}
	if want = strings.TrimSpace(want); got != want {
		t.Errorf("it says\n%s\nwant\n%s", got, want)
	}
}
