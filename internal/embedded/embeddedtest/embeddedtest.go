// Package embeddedtest gives tests embedded servers. It is apart from redistest, which the
// tests of what the embedded server is made of use.
package embeddedtest

import (
	"testing"

	"github.com/drayhorse/drayhorse/internal/embedded"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// URL starts an embedded server, which the test alone uses and which ends with it, and returns
// its URL, with [redistest.Patient].
func URL(tb testing.TB) string {
	tb.Helper()
	s, err := embedded.Start("")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s.URL() + redistest.Patient
}
